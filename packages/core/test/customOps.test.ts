import { type Tensor, type TrainingKernel } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { EagerOps, type Ops, Tape } from "../src/index.ts";
import { nmse } from "./support.ts";
import { gradients, kernel, read, tensor, useTrainingKernel } from "./trainingKernel.ts";

useTrainingKernel();

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

describe("misuse of a custom op", () => {
  const cases: [
    what: string,
    message: string,
    backward: (k: TrainingKernel, dy: Tensor, y: Tensor) => unknown,
  ][] = [
    ["too few gradients", "an array of 2 gradients, one for each input, got 1", (k, dy) => [copy(k, dy)]],
    ["no array", "an array of 2 gradients, one for each input, got undefined", () => undefined],
    [
      "a gradient in another shape",
      "gradient 1 of backward must be f32 [5] like its input, got f32 [1]",
      (k) => [undefined, k.zeros([1], "f32")],
    ],
    [
      "a gradient of another type",
      "gradient 0 of backward must be f32 [5] like its input, got i32 [5]",
      (k) => [k.zeros([5], "i32"), undefined],
    ],
    ["a number", "gradient 0 of backward must be a tensor, got 3", (k, dy) => [3, copy(k, dy)]],
    [
      "the gradient of the result itself",
      "gradient 0 of backward must be a new tensor",
      (_, dy) => [dy, undefined],
    ],
    [
      "one tensor twice",
      "gradient 1 of backward must be a new tensor",
      (k, dy) => {
        const both = copy(k, dy);
        return [both, both];
      },
    ],
  ];
  const copy = (k: TrainingKernel, x: Tensor): Tensor => k.scale(x, 1);

  test.each(cases)("%s is refused, and what it returned is freed", (_, message, backward) => {
    const [a, b, target] = [tensor([5]), tensor([5], 2), tensor([5], 3)];
    using tape = new Tape(kernel, [a, b]);
    const y = tape.custom([a, b], (k) => k.mul(a, b), backward as () => readonly Tensor[]);
    const expected = expect.objectContaining({
      code: "INPUT",
      message: expect.stringContaining(message) as string,
    }) as Error;
    expect(() => tape.backward(tape.meanSquaredError(y, target))).toThrow(expected);
  });

  test("a forward that returns no tensor of its own", () => {
    const a = tensor([5]);
    using ops = new EagerOps(kernel);
    const run = (forward: () => unknown) => () => ops.custom([a], forward as () => Tensor, () => []);
    expect(run(() => undefined)).toThrow("custom: forward must return a tensor, got undefined");
    expect(run(() => Promise.resolve(a))).toThrow("custom: forward must return a tensor, got an object");
    expect(run(() => a)).toThrow("custom: forward must return a new tensor");
    const gone = kernel.zeros([1], "f32");
    gone.dispose();
    expect(run(() => gone)).toThrow("custom: forward must return a tensor, got a disposed one");
  });
});
