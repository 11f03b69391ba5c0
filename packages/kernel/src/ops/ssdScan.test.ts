import { describe, expect, it } from "vitest";
import { fakeTensor as tensor } from "../../test/fakeTensor.ts";
import { ops } from "../../test/ops.ts";
import { refuses } from "../../test/refuses.ts";
import { ScanResidual, SsdResidual } from "./residual.ts";

const view = (shape: number[]) => tensor(shape, { rowStride: shape.at(-1)! + 3 });
const ints = (...shape: number[]) => tensor(shape, { dtype: "i32" });

describe("scan of state space heads", () => {
  // Six heads of three columns in two groups, states of four.
  const args = {
    x: view([2, 5, 18]),
    B: view([2, 5, 8]),
    C: view([2, 5, 8]),
    logDecay: view([2, 5, 6]),
    weight: tensor([2, 5, 6]),
    heads: 6,
    groups: 2,
  };
  const step = {
    x: view([2, 18]),
    B: view([2, 8]),
    C: view([2, 8]),
    logDecay: tensor([2, 6]),
    weight: view([2, 6]),
    heads: 6,
    groups: 2,
  };
  const sizes = { batch: 2, heads: 6, headDim: 3, groups: 2, stateSize: 4 };

  it("returns sizes, with every optional argument and without", () => {
    expect(ops.ssdScan.check(args)).toEqual({ ...sizes, length: 5 });
    const extras = { D: tensor([6]), initialState: tensor([2, 6, 3, 4]), sequenceIds: ints(2, 5) };
    expect(ops.ssdScan.check({ ...args, ...extras })).toEqual({ ...sizes, length: 5 });
    const state = tensor([2, 6, 3, 4]);
    expect(ops.ssdStateUpdate.check(state, { ...step, D: tensor([6]) })).toEqual(sizes);
    const sequence = {
      B: view([2, 1, 8]),
      C: tensor([2, 1, 8]),
      logDecay: view([2, 1, 6]),
      weight: tensor([2, 1, 6]),
    };
    expect(ops.ssdStateUpdate.check(state, { ...step, x: view([2, 1, 18]), ...sequence })).toEqual(sizes);
    expect(ops.ssdStateUpdate.writes?.(state, step)).toEqual([state]);
  });

  it.each([
    ["x", tensor([2, 5, 19]), "the last extent of x must be a multiple of heads = 6"],
    ["B", tensor([2, 5, 10]), "C must be [B, L, Y] with Y = 10 from B"],
    ["C", tensor([2, 4, 8]), "C must be [B, L, Y] with L = 5"],
    ["logDecay", tensor([2, 5, 1]), "logDecay must be [B, L, H] with H = 6"],
    ["weight", tensor([2, 5, 7]), "weight must be [B, L, H] with H = 6"],
    ["D", tensor([2]), "D must be [H] with H = 6"],
    ["initialState", tensor([2, 6, 4, 3]), "initialState must be [B, H, P, N] with P = 3"],
    ["initialState", view([2, 6, 3, 4]), "initialState must be dense"],
    ["sequenceIds", ints(2, 4), "sequenceIds must be [B, L]"],
  ])("refuses a wrong %s", (name, wrong, message) => {
    refuses("SHAPE", [`ssdScan: ${message}`], () => ops.ssdScan.check({ ...args, [name]: wrong }));
  });

  it("refuses heads and groups that do not divide, other steps, and more than 256 states", () => {
    for (const [heads, groups, message] of [
      [0, 1, "heads must be a whole number from 1"],
      [1.5, 1, "heads must be a whole number"],
      [6, 0, "groups must be a whole number from 1 to 6"],
      [6, 4, "groups must divide heads = 6, got 4"],
    ] as const) {
      refuses("ARGUMENT", [message], () => ops.ssdScan.check({ ...args, heads, groups }));
    }
    const wide = { ...args, B: tensor([2, 5, 514]), C: tensor([2, 5, 514]) };
    refuses("ARGUMENT", ["state size N", "257"], () => ops.ssdScan.check(wide));
    const state = tensor([2, 6, 3, 4]);
    refuses("SHAPE", ["ssdStateUpdate: x must be [B, 1, X]"], () =>
      ops.ssdStateUpdate.check(state, { ...step, x: tensor([2, 2, 18]) }),
    );
    refuses("SHAPE", ["ssdStateUpdate: state must be [B, H, P, N] with B = 2"], () =>
      ops.ssdStateUpdate.check(tensor([1, 6, 3, 4]), step),
    );
    refuses("DTYPE", ["state must be f32"], () =>
      ops.ssdStateUpdate.check(tensor([2, 6, 3, 4], { dtype: "f16" }), step),
    );
  });

  it("discretize wants vectors of the heads, and limits in order", () => {
    const args = { dt: view([2, 5, 6]), A: tensor([6]), bias: tensor([6]) };
    const sizes = { rows: 10, heads: 6, shape: [2, 5, 12] };
    expect(ops.discretize.check(args)).toEqual({ ...sizes, min: 0, max: Infinity });
    const limits = { min: 0.01, max: 0.5 };
    expect(ops.discretize.check({ ...args, ...limits })).toEqual({ ...sizes, ...limits });
    refuses("SHAPE", ["discretize: A must be [H] with H = 6"], () =>
      ops.discretize.check({ ...args, A: tensor([5]) }),
    );
    refuses("SHAPE", ["bias must be dense"], () => ops.discretize.check({ ...args, bias: view([6]) }));
    for (const [min, max, message] of [
      [-1, 1, "min must be a number >= 0, got -1"],
      [Infinity, Infinity, "min must be a number >= 0"],
      [0.5, 0.1, "max must be a number >= min = 0.5, got 0.1"],
      [0, NaN, "max must be"],
    ] as const) {
      refuses("ARGUMENT", [message], () => ops.discretize.check({ ...args, min, max }));
    }
  });

  it("gatedRmsNorm wants one shape, a weight of the last axis and groups that divide it", () => {
    const args = { x: view([2, 5, 6]), z: tensor([2, 5, 6]), weight: tensor([6]), eps: 1e-5, groups: 3 };
    expect(ops.gatedRmsNorm.check(args)).toEqual({ rows: 10, features: 6, groups: 3 });
    refuses("SHAPE", ["gatedRmsNorm: z must be [2, 5, 6] like x"], () =>
      ops.gatedRmsNorm.check({ ...args, z: tensor([10, 6]) }),
    );
    refuses("SHAPE", ["weight must be [D] with D = 6"], () =>
      ops.gatedRmsNorm.check({ ...args, weight: tensor([2]) }),
    );
    refuses("ARGUMENT", ["groups must divide D = 6, got 4"], () =>
      ops.gatedRmsNorm.check({ ...args, groups: 4 }),
    );
    refuses("ARGUMENT", ["groups", "7"], () => ops.gatedRmsNorm.check({ ...args, groups: 7 }));
    refuses("ARGUMENT", ["eps"], () => ops.gatedRmsNorm.check({ ...args, eps: -1 }));
  });

  it("reluSquared takes a view", () => {
    expect(() => ops.reluSquared.check(view([2, 3]))).not.toThrow();
    refuses("DTYPE", ["reluSquared: x must be f32, got i32"], () => ops.reluSquared.check(ints(2)));
  });
});

describe("training ops of state space heads", () => {
  const scan = {
    ...{ x: tensor([2, 5, 18]), B: tensor([2, 5, 8]), C: tensor([2, 5, 8]) },
    ...{ logDecay: tensor([2, 5, 6]), weight: tensor([2, 5, 6]), heads: 6, groups: 2 },
  };
  const scanSizes = { batch: 2, length: 5, heads: 6, headDim: 3, groups: 2, stateSize: 4 };

  it("ssdScanForward and ssdScanBackward", () => {
    const { check } = ops.ssdScanBackward;
    const residual = new SsdResidual(tensor([4]), scanSizes);
    const dy = view([2, 5, 18]);
    expect(ops.ssdScanForward.check(scan)).toEqual(scanSizes);
    expect(check(dy, scan, residual, tensor([2, 6, 3, 4]))).toEqual(scanSizes);
    refuses("SHAPE", ["ssdScanForward: C"], () =>
      ops.ssdScanForward.check({ ...scan, C: tensor([2, 5, 4]) }),
    );
    refuses("SHAPE", ["ssdScanBackward: dy must be [B, L, X] with X = 18"], () =>
      check(tensor([2, 5, 6]), scan, residual),
    );
    refuses("SHAPE", ["dFinalState must be [B, H, P, N] with P = 3"], () =>
      check(dy, scan, residual, tensor([2, 6, 4, 3])),
    );
    const other = new SsdResidual(tensor([4]), { ...scanSizes, groups: 1 });
    refuses("SHAPE", ["a call with groups 2, got the residual of a call with groups 1"], () =>
      check(dy, scan, other),
    );
    const foreign = new ScanResidual(tensor([4]), { batch: 2, length: 5, channels: 18, stateSize: 4 });
    refuses("ARGUMENT", ["residual must come from the forward of this op"], () => check(dy, scan, foreign));
    refuses("FOREIGN_TENSOR", ["residual"], () => check(dy, scan, tensor([4])));
    const disposed = new SsdResidual(tensor([4], { disposed: true }), scanSizes);
    refuses("DISPOSED", ["residual"], () => check(dy, scan, disposed));
  });

  it("the backwards of discretize, gated norm, relu squared and rotary", () => {
    const args = { dt: tensor([2, 5, 6]), A: tensor([6]) };
    const sizes = { rows: 10, heads: 6, min: 0, max: Infinity, shape: [2, 5, 12] };
    expect(ops.discretizeBackward.check(view([2, 5, 12]), args)).toEqual(sizes);
    refuses("SHAPE", ["discretizeBackward: dy must be [2, 5, 12], got [2, 5, 6]"], () =>
      ops.discretizeBackward.check(tensor([2, 5, 6]), args),
    );
    const norm = { x: tensor([2, 6]), z: view([2, 6]), weight: tensor([6]), eps: 0, groups: 2 };
    expect(ops.gatedRmsNormBackward.check(view([2, 6]), norm)).toEqual({ rows: 2, features: 6, groups: 2 });
    refuses("SHAPE", ["gatedRmsNormBackward: dy must be [2, 6] like x"], () =>
      ops.gatedRmsNormBackward.check(tensor([6]), norm),
    );
    refuses("SHAPE", ["reluSquaredBackward: x must be [2, 3] like dy"], () =>
      ops.reluSquaredBackward.check(tensor([2, 3]), tensor([3])),
    );
    const rotary = { x: tensor([2, 7, 12]), angles: tensor([2, 7, 2]), heads: 3, pairing: "half" as const };
    const rotarySizes = { batch: 2, length: 7, heads: 3, headDim: 4, pairs: 2 };
    expect(ops.rotaryBackwardAngles.check(view([2, 7, 12]), rotary)).toEqual(rotarySizes);
    refuses("SHAPE", ["rotaryBackwardAngles: dy must be [B, L, X] with X = 12"], () =>
      ops.rotaryBackwardAngles.check(tensor([2, 7, 4]), rotary),
    );
  });
});
