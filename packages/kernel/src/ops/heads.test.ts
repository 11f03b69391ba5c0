import { describe, expect, it } from "vitest";
import { fakeTensor as tensor } from "../../test/fakeTensor.ts";
import { ops } from "../../test/ops.ts";
import { refuses } from "../../test/refuses.ts";
import type { DType } from "../dtype.ts";
import { dropoutKeeps } from "./dropout.ts";

const view = (shape: number[], dtype: DType = "f32") =>
  tensor(shape, { dtype, rowStride: shape.at(-1)! + 3 });
const ints = (...shape: number[]) => tensor(shape, { dtype: "i32" });

describe("ops of heads, norms and pooling", () => {
  it("repeats a dense second operand of the last axes of the first, and nothing else", () => {
    for (const op of ["add", "sub", "mul", "div"] as const) {
      const { check } = ops[op];
      const a = view([2, 5, 8]);
      expect(check(a, view([2, 5, 8]))).toEqual({ period: 80 });
      expect(check(a, tensor([5, 8]))).toEqual({ period: 40 });
      expect(check(a, tensor([8]))).toEqual({ period: 8 });
      expect(check(tensor([3, 1]), tensor([1]))).toEqual({ period: 1 });
      const shape = `${op}: b must have the shape of a, [2, 5, 8], or of its last axes`;
      refuses("SHAPE", [shape, "got [5, 1]"], () => check(a, tensor([5, 1])));
      refuses("SHAPE", ["got [1]"], () => check(a, tensor([1])));
      refuses("SHAPE", ["got [1, 2, 5, 8]"], () => check(a, tensor([1, 2, 5, 8])));
      refuses("SHAPE", [`${op}: b must be dense`], () => check(a, view([8])));
    }
  });

  it("functions of one tensor take views", () => {
    for (const op of ["exp", "log", "sqrt", "tanh", "sigmoid"] as const) {
      expect(() => ops[op].check(view([2, 3]))).not.toThrow();
      refuses("DTYPE", [`${op}: x must be f32, got i32`], () => ops[op].check(ints(2)));
    }
    expect(() => ops.gelu.check(view([2, 3]), "tanh")).not.toThrow();
    refuses("ARGUMENT", ['gelu: approximate must be "none" or "tanh"', '"erf"'], () =>
      ops.gelu.check(tensor([2]), "erf" as "none"),
    );
    expect(ops.softmax.check(view([2, 5, 8]))).toEqual({ rows: 10, features: 8 });
  });

  it("layerNorm wants parameters of the last axis and a sane eps", () => {
    const sizes = { rows: 10, features: 8 };
    expect(ops.layerNorm.check(view([2, 5, 8]), tensor([8]), tensor([8]), 1e-5)).toEqual(sizes);
    expect(ops.layerNorm.check(tensor([2, 5, 8]), undefined, undefined, 0)).toEqual(sizes);
    refuses("SHAPE", ["layerNorm: bias must be [8]", "got [7]"], () =>
      ops.layerNorm.check(tensor([2, 8]), undefined, tensor([7]), 0),
    );
    refuses("ARGUMENT", ["eps", "-1"], () => ops.layerNorm.check(tensor([8]), undefined, undefined, -1));
  });

  it("dropout wants a probability below 1 and a seed of 32 bits", () => {
    expect(ops.dropout.check(view([2, 3]), 0.25, 2 ** 32 - 1)).toEqual({ count: 6, threshold: 2 ** 30 });
    for (const probability of [1, -0.1, NaN]) {
      refuses("ARGUMENT", ["probability must be in [0, 1)", String(probability)], () =>
        ops.dropout.check(tensor([2]), probability, 0),
      );
    }
    for (const seed of [-1, 2 ** 32, 0.5]) {
      refuses("ARGUMENT", ["seed", String(seed)], () => ops.dropout.check(tensor([2]), 0.5, seed));
    }
  });

  it("dropoutKeeps drops the given part, other elements for another seed", () => {
    const kept = (seed: number, probability: number) =>
      Array.from({ length: 10_000 }, (_, i) => dropoutKeeps(i, probability, seed));
    for (const probability of [0.1, 0.5, 0.9]) {
      const part = kept(7, probability).filter(Boolean).length / 10_000;
      expect(Math.abs(part - (1 - probability))).toBeLessThan(0.015);
    }
    const [a, b] = [kept(7, 0.5), kept(8, 0.5)];
    const equal = a.filter((keep, i) => keep === b[i]).length / 10_000;
    expect(Math.abs(equal - 0.5)).toBeLessThan(0.02);
    expect(kept(0, 0).every(Boolean)).toBe(true);
  });

  it("pooling wants ids and ranges of the batch together", () => {
    const [sequenceIds, ranges] = [ints(2, 5), ints(3, 2)];
    const sizes = { batch: 2, length: 5, channels: 8 };
    for (const op of ["meanPositions", "maxPositions"] as const) {
      const { check } = ops[op];
      expect(check({ x: view([2, 5, 8]) })).toEqual({ ...sizes, sequences: 2 });
      expect(check({ x: tensor([2, 5, 8]), sequenceIds, ranges })).toEqual({ ...sizes, sequences: 3 });
      refuses("ARGUMENT", ["together", "ranges is missing"], () =>
        check({ x: tensor([2, 5, 8]), sequenceIds }),
      );
      refuses("ARGUMENT", ["sequenceIds is missing"], () => check({ x: tensor([2, 5, 8]), ranges }));
      refuses("SHAPE", ["sequenceIds must be [2, 5], got [2, 4]"], () =>
        check({ x: tensor([2, 5, 8]), sequenceIds: ints(2, 4), ranges }),
      );
      refuses("SHAPE", [`${op}: ranges`], () =>
        check({ x: tensor([2, 5, 8]), sequenceIds, ranges: ints(3) }),
      );
    }
  });

  it("copyInto rounds dense f32 into 16 bits, and takes one dtype otherwise", () => {
    const half = (...shape: number[]) => tensor(shape, { dtype: "f16" });
    expect(() => {
      ops.copyInto.check(half(2, 3), tensor([2, 3]));
      ops.copyInto.check(half(2, 3), view([2, 3], "f16"));
    }).not.toThrow();
    refuses("SHAPE", ["copyInto: source must be dense"], () => ops.copyInto.check(half(2, 3), view([2, 3])));
    refuses("DTYPE", ["source must be f16 or f32, got i32"], () => ops.copyInto.check(half(2), ints(2)));
    refuses("DTYPE", ["source must be f32 like target, got f16"], () =>
      ops.copyInto.check(tensor([2]), half(2)),
    );
  });
});
