import { describe, expect, it } from "vitest";
import { fakeTensor as tensor } from "../../test/fakeTensor.ts";
import { ops } from "../../test/ops.ts";
import { refuses } from "../../test/refuses.ts";

const view = (shape: number[]) => tensor(shape, { rowStride: shape.at(-1)! + 3 });
const ints = (...shape: number[]) => tensor(shape, { dtype: "i32" });

describe("experts", () => {
  it("routeExperts wants as many choices as there are experts, and a bias for sigmoid alone", () => {
    const args = { logits: view([5, 8]), perToken: 2, scoring: "softmax" as const };
    const sizes = { rows: 5, expertCount: 8, perToken: 2 };
    expect(ops.routeExperts.check(args)).toEqual({ ...sizes, scale: 1 });
    const sigmoid = { ...args, scoring: "sigmoid" as const, bias: tensor([8]), scale: 2.5 };
    expect(ops.routeExperts.check(sigmoid)).toEqual({ ...sizes, scale: 2.5 });
    for (const [wrong, message] of [
      [{ perToken: 9 }, "perToken must be a whole number from 1 to 8, got 9"],
      [{ perToken: 0 }, "perToken"],
      [{ scoring: "max" as "softmax" }, 'scoring must be one of softmax, topSoftmax, sigmoid, got "max"'],
      [{ bias: tensor([8]) }, "bias belongs to sigmoid, got one for softmax"],
      [{ scale: Infinity }, "scale must be a finite number"],
      [{ logits: tensor([5, 1025]) }, "the number of experts E must be a whole number from 1 to 1024"],
      [{ logits: tensor([5, 100]), perToken: 65 }, "perToken must be a whole number from 1 to 64"],
    ] as const) {
      refuses("ARGUMENT", [`routeExperts: ${message}`], () => ops.routeExperts.check({ ...args, ...wrong }));
    }
    refuses("SHAPE", ["bias must be [E] with E = 8"], () =>
      ops.routeExperts.check({ ...sigmoid, bias: tensor([7]) }),
    );
  });

  it("expertLinear takes one input for all experts of a row, or one for each, and any weight", () => {
    const args = { x: view([5, 32]), weight: tensor([8, 3, 32], { dtype: "q8_0" }), experts: ints(5, 2) };
    const sizes = { rows: 5, perToken: 2, expertCount: 8, inFeatures: 32, outFeatures: 3 };
    expect(ops.expertLinear.check(args)).toEqual({ ...sizes, shared: true });
    const own = { ...args, x: tensor([5, 2, 32]) };
    expect(ops.expertLinear.check(own)).toEqual({ ...sizes, shared: false });
    refuses("SHAPE", ["x must be [R, I] or [R, K, I], got [32]"], () =>
      ops.expertLinear.check({ ...args, x: tensor([32]) }),
    );
    refuses("SHAPE", ["weight must be [E, O, I] with I = 32"], () =>
      ops.expertLinear.check({ ...args, weight: tensor([8, 3, 64]) }),
    );
    refuses("SHAPE", ["experts must be [R, K] with R = 5"], () =>
      ops.expertLinear.check({ ...args, experts: ints(4, 2) }),
    );
    refuses("SHAPE", ["experts must be [R, K] with K = 2"], () =>
      ops.expertLinear.check({ ...own, experts: ints(5, 3) }),
    );
    refuses("DTYPE", ["experts must be i32"], () =>
      ops.expertLinear.check({ ...args, experts: tensor([5, 2]) }),
    );
    refuses("DTYPE", ["weight must be f32 or"], () =>
      ops.expertLinear.check({ ...args, weight: ints(8, 3, 32) }),
    );
  });

  it("combineExperts wants a weight for each choice", () => {
    const sizes = { rows: 5, perToken: 2, outFeatures: 3 };
    expect(ops.combineExperts.check(view([5, 2, 3]), view([5, 2]))).toEqual(sizes);
    refuses("SHAPE", ["combineExperts: weights must be [R, K] with K = 2"], () =>
      ops.combineExperts.check(tensor([5, 2, 3]), tensor([5, 3])),
    );
  });

  it("the training ops of experts", () => {
    const route = { logits: tensor([5, 8]), perToken: 2, scoring: "softmax" as const };
    expect(ops.routeExpertsBackward.check(view([5, 2]), route, ints(5, 2))).toMatchObject({ expertCount: 8 });
    refuses("SHAPE", ["routeExpertsBackward: dWeights must be [R, K] with K = 2"], () =>
      ops.routeExpertsBackward.check(tensor([5, 3]), route, ints(5, 2)),
    );
    refuses("DTYPE", ["experts must be i32"], () =>
      ops.routeExpertsBackward.check(tensor([5, 2]), route, tensor([5, 2])),
    );
    expect(ops.expertLoads.check(ints(5, 2), 8)).toEqual({ rows: 5, perToken: 2, expertCount: 8 });
    refuses("ARGUMENT", ["expertLoads: the number of experts E", "1025"], () =>
      ops.expertLoads.check(ints(5, 2), 1025),
    );
    const sizes = { rows: 5, perToken: 2, expertCount: 8, inFeatures: 4, outFeatures: 3 };
    const [dy, weight] = [view([5, 2, 3]), tensor([8, 3, 4], { dtype: "bf16" })];
    expect(ops.expertLinearBackwardInput.check(dy, weight, ints(5, 2))).toEqual(sizes);
    refuses("SHAPE", ["weight must be [E, O, I] with O = 3"], () =>
      ops.expertLinearBackwardInput.check(dy, tensor([8, 4, 3]), ints(5, 2)),
    );
    const { check } = ops.expertLinearBackwardWeight;
    expect(check(dy, view([5, 4]), ints(5, 2), 8)).toEqual({ ...sizes, shared: true });
    expect(check(dy, view([5, 2, 4]), ints(5, 2), 8)).toEqual({ ...sizes, shared: false });
    refuses("SHAPE", ["x must be [R, K, I] with K = 2"], () => check(dy, tensor([5, 3, 4]), ints(5, 2), 8));
    const combined = { rows: 5, perToken: 2, outFeatures: 3 };
    expect(ops.combineExpertsBackward.check(view([5, 3]), dy, tensor([5, 2]))).toEqual(combined);
    refuses("SHAPE", ["combineExpertsBackward: dOut must be [R, O] with O = 3"], () =>
      ops.combineExpertsBackward.check(tensor([5, 4]), dy, tensor([5, 2])),
    );
  });
});
