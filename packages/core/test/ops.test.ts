import { type Kernel } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { DerivedTensors, EagerOps, type Ops, Sequences, Tape } from "../src/index.ts";
import { nmse, take } from "./support.ts";
import { gradients, hold, kernel, read, tensor, useTrainingKernel } from "./trainingKernel.ts";

useTrainingKernel();

describe("losses", () => {
  const targets = () => {
    const ids = kernel.upload(Int32Array.of(1, 4, -100, 0), [4], "i32");
    hold(ids);
    return ids;
  };

  test("cross entropy: value and gradient are those of the kernel op, and a weight scales the gradient", async () => {
    const [logits, ids] = [tensor([4, 5]), targets()];
    const { loss, dLogits } = kernel.crossEntropyWithGradient(logits, ids);
    const scaled = kernel.scale(dLogits, 0.3);
    hold(loss, dLogits, scaled);
    using ops = new EagerOps(kernel);
    expect(await read(ops.crossEntropy(logits, ids))).toEqual(await read(loss));
    expect(await gradients([logits], (tape) => tape.crossEntropy(logits, ids))).toEqual([
      await read(dLogits),
    ]);
    const weighted = await gradients([logits], (tape) => tape.crossEntropy(logits, ids), 0.3);
    expect(weighted).toEqual([await read(scaled)]);
  });

  test("combined on the device: the gradient that arrives at a loss is a tensor, and may join a weight", async () => {
    const [logits, ids] = [tensor([4, 5]), targets()];
    const [once] = await gradients([logits], (tape) => tape.crossEntropy(logits, ids));
    const [combined] = await gradients(
      [logits],
      (tape) => {
        const loss = tape.crossEntropy(logits, ids);
        tape.addLoss(loss, 0.25);
        return tape.add(tape.scale(loss, 3), loss);
      },
      0.5,
    );
    expect(
      nmse(
        combined!,
        once!.map((value) => value * (0.25 + 0.5 * 4)),
      ),
    ).toBeLessThan(1e-13);
  });

  test("mean squared error: value and both gradients", async () => {
    const [x, target] = [tensor([2, 3, 4]), tensor([2, 3, 4], 2)];
    const [left, right] = [await read(x), await read(target)];
    const expected = left.map((value, i) => value - right[i]!);
    using ops = new EagerOps(kernel);
    const [loss] = await read(ops.meanSquaredError(x, target));
    expect(loss).toBeCloseTo(expected.reduce((sum, value) => sum + value * value, 0) / 24, 6);
    const [dx, dTarget] = await gradients([x, target], (tape) => tape.meanSquaredError(x, target), 2);
    expect(
      nmse(
        dx!,
        expected.map((value) => (4 * value) / 24),
      ),
    ).toBeLessThan(1e-13);
    expect(dTarget).toEqual(dx!.map((value) => -value));
  });

  test("of several losses the gradients add up; a loss must be one number", async () => {
    const [x, a, b] = [tensor([6]), tensor([6], 2), tensor([6], 3)];
    const [one] = await gradients([x], (tape) => tape.meanSquaredError(x, a));
    const [two] = await gradients([x], (tape) => tape.meanSquaredError(x, b));
    const [both] = await gradients([x], (tape) => {
      tape.addLoss(tape.meanSquaredError(x, a));
      tape.addLoss(tape.meanSquaredError(x, b), 0.5);
      return undefined;
    });
    expect(
      nmse(
        both!,
        one!.map((value, i) => value + 0.5 * two![i]!),
      ),
    ).toBeLessThan(1e-13);
    using tape = new Tape(kernel, [x]);
    const y = tape.scale(x, 2);
    expect(() => tape.backward(y)).toThrow(
      expect.objectContaining({ code: "INPUT", message: "backward: a loss must be [1], got [6]" }),
    );
  });

  test("a kernel without training ops is refused by name", () => {
    const [logits, ids] = [tensor([4, 5]), targets()];
    const limited = new Proxy<Kernel>(kernel, {
      get: (target, name) =>
        name === "capabilities"
          ? { ...target.capabilities, training: false }
          : (Reflect.get(target, name) as unknown),
    });
    using ops = new EagerOps(limited);
    expect(() => ops.crossEntropy(logits, ids)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  });
});

describe("operands that are repeated", () => {
  test("have the gradients of operands that are written out, also of views and with themselves", async () => {
    const [wide, b, target] = [tensor([4, 3, 7]), tensor([3, 5], 2), tensor([4, 3, 5], 3)];
    const a = kernel.columns(wide, 1, 5);
    hold(a);
    const spread = await read(b);
    const full = kernel.upload(
      Float32Array.from({ length: 60 }, (_, i) => spread[i % 15]!),
      [4, 3, 5],
      "f32",
    );
    hold(full);
    for (const op of ["add", "sub", "mul", "div"] as const) {
      const [da, db] = await gradients([a, b], (tape) => tape.meanSquaredError(tape[op](a, b), target));
      const [expected, dFull] = await gradients([a, full], (tape) =>
        tape.meanSquaredError(tape[op](a, full), target),
      );
      expect(nmse(da!, expected!), op).toBeLessThan(1e-13);
      const sums = spread.map((_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + dFull![k * 15 + i]!, 0));
      expect(nmse(db!, sums), op).toBeLessThan(1e-12);
    }
    // x - x, x / x: both gradients go to one tensor, and cancel.
    const x = tensor([6]);
    const zeros = tensor([6], 2);
    const [none] = await gradients([x], (tape) => tape.meanSquaredError(tape.sub(x, x), zeros));
    expect(none).toEqual(new Float32Array(6));
    const [rest] = await gradients([x], (tape) => tape.meanSquaredError(tape.div(x, x), zeros));
    for (const value of rest!) expect(Math.abs(value)).toBeLessThan(1e-5);
  });
});

describe("dropout", () => {
  test("the same seed drops the same elements forward and backward", async () => {
    const [x, target] = [tensor([20, 7]), tensor([20, 7], 2)];
    const drop = (ops: Ops, seed: number) => ops.dropout(x, { probability: 0.5, seed });
    using ops = new EagerOps(kernel);
    const y = await read(drop(ops, 3));
    expect(await read(drop(ops, 3))).toEqual(y);
    expect(await read(drop(ops, 4))).not.toEqual(y);
    const [dx] = await gradients([x], (tape) => tape.meanSquaredError(drop(tape, 3), target));
    expect(dx!.map((value) => (value === 0 ? 0 : 1))).toEqual(y.map((value) => (value === 0 ? 0 : 1)));
  });

  test("of probability 0 is the input, as a result of its own", async () => {
    const x = tensor([5]);
    using ops = new EagerOps(kernel);
    const y = ops.dropout(x, { probability: 0, seed: 3 });
    expect(await read(y)).toEqual(await read(x));
    ops.free(y);
    expect(x.disposed).toBe(false);
  });
});

describe("positions", () => {
  test("are refused outside of the rows, and so are tensors of another shape", () => {
    const [x, token] = [tensor([2, 4, 3]), tensor([3], 2)];
    using ops = new EagerOps(kernel);
    expect(() => ops.takePositions(x, [0, 4])).toThrow(
      "takePositions: a position must be a whole number from 0 to 3, got 4",
    );
    expect(() => ops.takePositions(x, [-1])).toThrow("got -1");
    expect(() => ops.insertPosition(x, token, 5)).toThrow(
      "insertPosition: a position must be a whole number from 0 to 4, got 5",
    );
    expect(() => ops.insertPosition(x, token, 0.5)).toThrow("got 0.5");
    expect(() => ops.takePositions(x, [])).toThrow("at least one position was expected, got none");
    const square = tensor([3, 1], 2);
    expect(() => ops.takePositions(square, [0])).toThrow("takePositions: x must be [B, L, D], got [3, 1]");
    expect(() => ops.insertPosition(square, token, 0)).toThrow("insertPosition: x must be [B, L, D]");
    expect(() => ops.insertPosition(x, square, 0)).toThrow(
      "insertPosition: token must be [3] for x [2, 4, 3], got [3, 1]",
    );
  });

  test("an inserted position of a view is where it was put, and is taken again", async () => {
    const [wide, token] = [tensor([2, 4, 6]), tensor([3], 2)];
    const x = kernel.columns(wide, 2, 3);
    hold(x);
    using ops = new EagerOps(kernel);
    const longer = ops.insertPosition(x, token, 2);
    expect(longer.shape).toEqual([2, 5, 3]);
    const values = await read(token);
    const taken = await read(ops.takePositions(longer, [2]));
    expect(taken).toEqual(Float32Array.of(...values, ...values));
    expect(await read(ops.takePositions(longer, [0, 1, 3, 4]))).toEqual(await read(x));
  });

  test("pooling refuses sequences of another input, and rows of padding alone", () => {
    const x = tensor([2, 4, 3]);
    using ops = new EagerOps(kernel);
    expect(() => ops.meanPositions(x, Sequences.fromLengths([[3], [2]], 5))).toThrow(
      expect.objectContaining({ code: "INPUT" }),
    );
    const padding = Sequences.fromIds([
      [-1, -1, -1, -1],
      [-1, -1, -1, -1],
    ]);
    expect(() => ops.maxPositions(x, padding)).toThrow("a real position was expected, all are padding");
  });

  test("pooled gradients are those with frames that are computed again", async () => {
    const [x, target] = [tensor([2, 5, 3]), tensor([3, 3], 2)];
    const sequences = Sequences.fromLengths([[2, 3], [4]], 5);
    for (const op of ["meanPositions", "maxPositions"] as const) {
      const run = (ops: Ops) =>
        ops.meanSquaredError(
          ops.frame((inner) => inner[op](x, sequences)),
          target,
        );
      const plain = await gradients([x], run);
      using tape = new Tape(kernel, [x], { recompute: true });
      const found = tape.backward(run(tape));
      expect(await take(kernel, found.get(x)!)).toEqual(plain[0]);
    }
  });
});

describe("losses of elements", () => {
  test("count only elements with a weight, and take a target that is a view", async () => {
    const [x, wide] = [tensor([4, 3]), tensor([4, 5], 2)];
    const target = kernel.columns(wide, 1, 3);
    const weight = kernel.upload(
      Float32Array.from({ length: 12 }, (_, i) => (i < 3 ? 0 : 2)),
      [4, 3],
      "f32",
    );
    hold(target, weight);
    kernel.write(wide, 1, Float32Array.of(NaN, NaN, NaN));
    const [left, right] = [await read(x), await read(target)];
    using ops = new EagerOps(kernel);
    const [loss] = await read(ops.huber(x, target, { weight }));
    const each = left.map((value, i) => Math.abs(value - right[i]!)).slice(3);
    const expected = each.map((d) => (d <= 1 ? (d * d) / 2 : d - 0.5)).reduce((sum, l) => sum + l, 0) / 9;
    expect(loss).toBeCloseTo(expected, 6);
    const [dx] = await gradients([x], (tape) => tape.huber(x, target, { weight }));
    expect(dx!.slice(0, 3)).toEqual(new Float32Array(3));
    expect(dx!.every(Number.isFinite)).toBe(true);
  });

  test("refuse options and gradients that they do not have", () => {
    const [x, target] = [tensor([4, 3]), tensor([4, 3], 2)];
    using ops = new EagerOps(kernel);
    const refused = (code: string) => expect.objectContaining({ code }) as Error;
    expect(() => ops.huber(x, target, { delta: 0 })).toThrow(refused("OPTIONS"));
    expect(() => ops.huber(x, target, { gamma: 1 } as object)).toThrow(refused("OPTIONS"));
    expect(() => ops.quantileLoss(x, tensor([4]), { levels: [0.1, 0.5, 1] })).toThrow(refused("OPTIONS"));
    expect(() => ops.quantileLoss(x, tensor([4]), { levels: [0.1, 0.5] })).toThrow(refused("SHAPE"));
    expect(() => ops.crossEntropy(x, target, { smoothing: 0.1 } as object)).toThrow(refused("OPTIONS"));
    expect(() => ops.layerNorm(x, { epsilon: 1 } as object)).toThrow(refused("OPTIONS"));
    expect(() => ops.layerNorm(x, { eps: -1 })).toThrow(refused("OPTIONS"));
    const dropped = { probability: 0, seed: 0, p: 0.5 };
    expect(() => ops.dropout(x, dropped)).toThrow(refused("OPTIONS"));
    expect(() => ops.dropout(x, { probability: 0.5, seed: 0.5 })).toThrow(refused("OPTIONS"));
    using tape = new Tape(kernel, [x, target]);
    expect(() => tape.binaryCrossEntropy(x, target)).toThrow(
      "binaryCrossEntropy: no gradient flows into target, got one that depends on a tracked tensor",
    );
    expect(() => tape.huber(x, tensor([4, 3], 3), { weight: target })).toThrow(refused("TAPE"));
    const ids = tape.constant(Int32Array.of(0, 1, 2, 2), [4]);
    const classWeights = tape.columns(target, 0, 1);
    expect(() => tape.crossEntropy(x, ids, { classWeights })).toThrow(
      "crossEntropy: no gradient flows into classWeights, got one that depends on a tracked tensor",
    );
  });
});

test("constants are i32 or f32, by their array", async () => {
  for (const ops of [new EagerOps(kernel), new Tape(kernel, [])]) {
    using owner = ops;
    const floats = owner.constant(Float32Array.of(0.5, 2), [2]);
    const ints = owner.constant(Int32Array.of(7, -1), [2]);
    expect([floats.dtype, ints.dtype]).toEqual(["f32", "i32"]);
    expect(await read(floats)).toEqual(Float32Array.of(0.5, 2));
    const shared = Float32Array.of(1, 2);
    expect(owner.sharedConstant(shared, [2])).toBe(owner.sharedConstant(shared, [2]));
  }
});

describe("derived tensors", () => {
  test("are computed once, and again after a write to the parameter, in the same memory", async () => {
    using derived = new DerivedTensors(kernel);
    const parameter = tensor([3]);
    const values = async () => {
      using ops = new EagerOps(kernel, { derived });
      const found = ops.derived(parameter, "negExp");
      return [found, await read(found)] as const;
    };
    const [first, before] = await values();
    expect((await values())[0]).toBe(first);
    const expected = (await read(parameter)).map((value) => -Math.exp(value));
    expect(nmse(before, expected)).toBeLessThan(1e-12);
    const memory = kernel.memory();
    kernel.write(parameter, 0, Float32Array.of(0, 1, 2));
    const [second, after] = await values();
    expect(second).toBe(first);
    expect(nmse(after, [-1, -Math.E, -Math.exp(2)])).toBeLessThan(1e-12);
    expect(kernel.memory()).toEqual(memory);
  });

  test("are recorded on a tape that tracks the parameter, and cached on one that does not", async () => {
    using derived = new DerivedTensors(kernel);
    const [parameter, x] = [tensor([3]), tensor([3], 2)];
    const cached = derived.get(parameter, "negExp");
    using tape = new Tape(kernel, [x], { derived });
    expect(tape.derived(parameter, "negExp")).toBe(cached);
    using tracking = new Tape(kernel, [parameter], { derived });
    const y = tracking.derived(parameter, "negExp");
    expect(y).not.toBe(cached);
    expect(await read(y)).toEqual(await read(cached));
    using dy = kernel.scale(x, 1);
    const found = tracking.backward(y, dy);
    const slopes = await read(dy);
    const expected = (await read(cached)).map((value, i) => value * slopes[i]!);
    const gradient = await take(kernel, found.get(parameter)!);
    expect(nmse(gradient, expected)).toBeLessThan(1e-13);
  });
});
