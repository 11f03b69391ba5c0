import { canTrain, type Kernel, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DerivedTensors, EagerOps, type Ops, Tape } from "../src/index.ts";
import { nmse, take } from "./support.ts";

let kernel: TrainingKernel;
let held: Tensor[];
beforeAll(async () => {
  const cpu = await createCpuKernel({ threads: 1 });
  if (!canTrain(cpu)) throw new Error("the CPU kernel must be able to train");
  kernel = cpu;
});
beforeEach(() => {
  held = [];
});
afterEach(() => {
  for (const tensor of held) tensor.dispose();
  expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
});
afterAll(async () => {
  await kernel.dispose();
});

/** A tensor with values in [-1, 1], freed after the test. */
function tensor(shape: number[], seed = 1): Tensor {
  const count = shape.reduce((a, b) => a * b);
  const data = Float32Array.from({ length: count }, (_, i) => Math.sin(seed * (i + 1) * 12.9898));
  const made = kernel.upload(data, shape, "f32");
  held.push(made);
  return made;
}

async function read(x: Tensor): Promise<Float32Array> {
  return (await kernel.read(x))[0] as Float32Array;
}

/** The gradient of `weight` times the loss that `run` computes, for each of `inputs`; `run` may add losses as well. */
async function gradients(
  inputs: readonly Tensor[],
  run: (ops: Ops) => Tensor | undefined,
  weight = 1,
): Promise<Float32Array[]> {
  using tape = new Tape(kernel, inputs);
  const loss = run(tape);
  const found = loss ? tape.backward(loss, weight) : tape.backward();
  return await Promise.all(inputs.map((x) => take(kernel, found.get(x)!)));
}

describe("losses", () => {
  const targets = () => {
    const ids = kernel.upload(Int32Array.of(1, 4, -100, 0), [4], "i32");
    held.push(ids);
    return ids;
  };

  test("cross entropy: value and gradient are those of the kernel op, and a weight scales the gradient", async () => {
    const [logits, ids] = [tensor([4, 5]), targets()];
    const { loss, dLogits } = kernel.crossEntropyWithGradient(logits, ids);
    const scaled = kernel.scale(dLogits, 0.3);
    held.push(loss, dLogits, scaled);
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

test("a custom op is recorded with its own gradient", async () => {
  const [a, b, target] = [tensor([5]), tensor([5], 2), tensor([5], 3)];
  // a · b², whose gradients are b² and 2ab
  const product = (ops: Ops) =>
    ops.custom(
      [a, b],
      (k) => {
        using square = k.mul(b, b);
        return k.mul(a, square);
      },
      (k, dy) => {
        using square = k.mul(b, b);
        using twice = k.scale(a, 2);
        using slope = k.mul(twice, b);
        return [k.mul(dy, square), k.mul(dy, slope)];
      },
    );
  const own = await gradients([a, b], (tape) => tape.meanSquaredError(product(tape), target));
  const plain = await gradients([a, b], (tape) => tape.meanSquaredError(tape.mul(a, tape.mul(b, b)), target));
  own.forEach((gradient, i) => expect(nmse(gradient, plain[i]!)).toBeLessThan(1e-13));
  using ops = new EagerOps(kernel);
  expect(await read(product(ops))).toEqual(await read(ops.mul(a, ops.mul(b, b))));
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
