import { describe, expect, it } from "vitest";
import { fakeTensor as tensor } from "../../test/fakeTensor.ts";
import { ops } from "../../test/ops.ts";
import { refuses } from "../../test/refuses.ts";
import { ScanResidual } from "./residual.ts";

const view = (...shape: number[]) => tensor(shape, { rowStride: shape.at(-1)! + 3 });
const ints = (...shape: number[]) => tensor(shape, { dtype: "i32" });
const gone = tensor([2, 3], { disposed: true });

describe("elementwise and normalisation", () => {
  it("accumulate takes views of one shape and a finite factor", () => {
    expect(() => ops.accumulate.check(view(2, 3), view(2, 3), 1)).not.toThrow();
    refuses("SHAPE", ["accumulate: x must be [2, 3] like target, got [2, 4]"], () =>
      ops.accumulate.check(tensor([2, 3]), tensor([2, 4]), 1),
    );
    refuses("DTYPE", ["target must be f32"], () => ops.accumulate.check(ints(2), tensor([2]), 1));
    refuses("DISPOSED", ["accumulate: x"], () => ops.accumulate.check(tensor([2, 3]), gone, 1));
    refuses("ARGUMENT", ["factor", "NaN"], () => ops.accumulate.check(tensor([2]), tensor([2]), NaN));
  });

  it("siluBackward and sumRows", () => {
    expect(() => ops.siluBackward.check(view(2, 3), tensor([2, 3]))).not.toThrow();
    refuses("SHAPE", ["x must be [2, 3] like dy"], () => ops.siluBackward.check(tensor([2, 3]), tensor([3])));
    expect(ops.sumRows.check(view(2, 5, 3))).toEqual({ rows: 10, features: 3 });
    refuses("DTYPE", ["sumRows: dy must be f32, got i32"], () => ops.sumRows.check(ints(3)));
  });

  it("the backwards of functions want two tensors of one shape", () => {
    for (const op of ["tanhBackward", "sigmoidBackward", "softmaxBackward"] as const) {
      expect(() => ops[op].check(view(2, 3), view(2, 3))).not.toThrow();
      refuses("SHAPE", [`${op}: y must be [2, 3] like dy`], () => ops[op].check(tensor([2, 3]), tensor([3])));
    }
    refuses("ARGUMENT", ["geluBackward: approximate"], () =>
      ops.geluBackward.check(tensor([2]), tensor([2]), "erf" as "none"),
    );
    const sizes = { rows: 10, features: 8 };
    const [dy, x] = [view(2, 5, 8), tensor([2, 5, 8])];
    expect(ops.layerNormBackward.check(dy, x, tensor([8]), undefined, 0)).toEqual(sizes);
    refuses("SHAPE", ["layerNormBackward: x"], () =>
      ops.layerNormBackward.check(dy, tensor([8]), undefined, undefined, 0),
    );
  });

  it("the backwards of pooling want a gradient for each sequence", () => {
    const args = { batch: 2, length: 5, sequenceIds: ints(2, 5), ranges: ints(3, 2) };
    const sizes = { batch: 2, length: 5, channels: 8 };
    const mean = ops.meanPositionsBackward;
    expect(mean.check({ ...args, dy: view(3, 8) })).toEqual({ ...sizes, sequences: 3 });
    expect(mean.check({ dy: tensor([2, 8]), batch: 2, length: 5 })).toEqual({ ...sizes, sequences: 2 });
    refuses("SHAPE", ["dy must be [3, 8], got [2, 8]"], () => mean.check({ ...args, dy: tensor([2, 8]) }));
    refuses("ARGUMENT", ["length", "0"], () => mean.check({ ...args, dy: tensor([3, 8]), length: 0 }));
    const max = ops.maxPositionsBackward;
    const own = { dy: view(3, 8), index: ints(3, 8), batch: 2, length: 5 };
    expect(max.check(own)).toEqual({ ...sizes, sequences: 3 });
    refuses("SHAPE", ["maxPositionsBackward: index"], () => max.check({ ...own, index: ints(3, 7) }));
  });

  it("rmsNormBackward wants a weight of the last axis and a sane eps", () => {
    const dy = tensor([2, 5, 8]);
    expect(ops.rmsNormBackward.check(dy, view(2, 5, 8), tensor([8]), 0)).toEqual({ rows: 10, features: 8 });
    refuses("SHAPE", ["weight must be [8]"], () => ops.rmsNormBackward.check(dy, dy, tensor([5]), 0));
    refuses("SHAPE", ["x must be [2, 5, 8]"], () => ops.rmsNormBackward.check(dy, tensor([8]), undefined, 0));
    refuses("ARGUMENT", ["eps", "-1"], () => ops.rmsNormBackward.check(dy, dy, undefined, -1));
  });
});

describe("linear and embedding", () => {
  it("linearBackwardInput reads weights of every float dtype", () => {
    const weight = tensor([4, 6], { dtype: "bf16" });
    const sizes = { rows: 10, inFeatures: 6, outFeatures: 4, shape: [2, 5, 6] };
    expect(ops.linearBackwardInput.check(view(2, 5, 4), weight)).toEqual(sizes);
    refuses("SHAPE", ["weight must be [3, I], got [4, 6]"], () =>
      ops.linearBackwardInput.check(tensor([2, 3]), weight),
    );
    refuses("DTYPE", ["weight"], () => ops.linearBackwardInput.check(tensor([2, 4]), ints(4, 6)));
    refuses("SHAPE", ["weight must be dense"], () =>
      ops.linearBackwardInput.check(tensor([2, 4]), view(4, 6)),
    );
  });

  it("linearBackwardWeight wants the same leading axes", () => {
    const sizes = { rows: 10, inFeatures: 6, outFeatures: 4 };
    expect(ops.linearBackwardWeight.check(view(2, 5, 4), view(2, 5, 6))).toEqual(sizes);
    refuses("SHAPE", ["x must be [2, 5, I] like dy [2, 5, 4], got [5, 2, 6]"], () =>
      ops.linearBackwardWeight.check(tensor([2, 5, 4]), tensor([5, 2, 6])),
    );
    refuses("SHAPE", ["got [10, 6]"], () =>
      ops.linearBackwardWeight.check(tensor([2, 5, 4]), tensor([10, 6])),
    );
  });

  it("embeddingBackward wants a row for each id", () => {
    expect(ops.embeddingBackward.check(view(2, 5, 8), ints(2, 5), 7)).toEqual({ count: 10, features: 8 });
    refuses("SHAPE", ["dy must be [2, 4, 8] for ids [2, 4]"], () =>
      ops.embeddingBackward.check(tensor([2, 5, 8]), ints(2, 4), 7),
    );
    refuses("DTYPE", ["ids must be i32"], () => ops.embeddingBackward.check(tensor([2, 8]), tensor([2]), 7));
    for (const vocabSize of [0, 1.5, 2 ** 31]) {
      refuses("ARGUMENT", ["vocabSize", String(vocabSize)], () =>
        ops.embeddingBackward.check(tensor([2, 8]), ints(2), vocabSize),
      );
    }
  });
});

describe("sequences", () => {
  const conv = { x: view(2, 5, 8), weight: tensor([8, 4]) };
  const scan = {
    u: view(2, 5, 8),
    delta: view(2, 5, 8),
    A: tensor([8, 3]),
    B: view(2, 5, 3),
    C: view(2, 5, 3),
  };

  it("causalConv1dBackward names itself in the errors of the forward's arguments", () => {
    const sizes = { batch: 2, length: 5, channels: 8, width: 4 };
    expect(ops.causalConv1dBackward.check(view(2, 5, 8), conv, tensor([2, 8, 3]))).toEqual(sizes);
    refuses("SHAPE", ["causalConv1dBackward: weight"], () =>
      ops.causalConv1dBackward.check(tensor([2, 5, 8]), { ...conv, weight: tensor([7, 4]) }),
    );
    refuses("SHAPE", ["dy must be [B, L, D]"], () => ops.causalConv1dBackward.check(tensor([2, 4, 8]), conv));
    refuses("SHAPE", ["dFinalState must be [B, D, W-1]"], () =>
      ops.causalConv1dBackward.check(tensor([2, 5, 8]), conv, tensor([2, 8, 4])),
    );
  });

  it("selectiveScanForward and selectiveScanBackward", () => {
    const sizes = { batch: 2, length: 5, channels: 8, stateSize: 3 };
    const residual = new ScanResidual(tensor([4]), sizes);
    expect(ops.selectiveScanForward.check(scan)).toEqual(sizes);
    expect(ops.selectiveScanBackward.check(view(2, 5, 8), scan, residual, tensor([2, 8, 3]))).toEqual(sizes);
    refuses("SHAPE", ["selectiveScanForward: B"], () =>
      ops.selectiveScanForward.check({ ...scan, B: tensor([2, 5, 4]) }),
    );
    refuses("SHAPE", ["selectiveScanBackward: dy"], () =>
      ops.selectiveScanBackward.check(tensor([2, 5, 7]), scan, residual),
    );
    refuses("SHAPE", ["selectiveScanBackward: dFinalState"], () =>
      ops.selectiveScanBackward.check(tensor([2, 5, 8]), scan, residual, tensor([2, 3, 8])),
    );
    const other = new ScanResidual(tensor([4]), { ...sizes, length: 6 });
    refuses("SHAPE", ["a call with length 5, got the residual of a call with length 6"], () =>
      ops.selectiveScanBackward.check(tensor([2, 5, 8]), scan, other),
    );
    refuses("FOREIGN_TENSOR", ["residual belongs to another kernel"], () =>
      ops.selectiveScanBackward.check(tensor([2, 5, 8]), scan, tensor([4])),
    );
    const disposed = new ScanResidual(tensor([4], { disposed: true }), sizes);
    refuses("DISPOSED", ["residual"], () =>
      ops.selectiveScanBackward.check(tensor([2, 5, 8]), scan, disposed),
    );
  });
});

describe("loss and optimizer", () => {
  it("crossEntropy wants a target for each row", () => {
    expect(ops.crossEntropy.check(view(3, 7), ints(3))).toEqual({
      rows: 3,
      vocabSize: 7,
      ignoreIndex: -100,
      labelSmoothing: 0,
    });
    refuses("SHAPE", ["crossEntropy: targets"], () => ops.crossEntropy.check(tensor([3, 7]), ints(4)));
    refuses("DTYPE", ["targets must be i32"], () => ops.crossEntropy.check(tensor([3, 7]), tensor([3])));
    refuses("ARGUMENT", ["ignoreIndex", "0.5"], () =>
      ops.crossEntropy.check(tensor([3, 7]), ints(3), { ignoreIndex: 0.5 }),
    );
  });

  it("crossEntropy takes an object of options", () => {
    const [logits, targets] = [tensor([3, 7]), ints(3)];
    const { check } = ops.crossEntropyWithGradient;
    const sizes = { rows: 3, vocabSize: 7, ignoreIndex: -1, labelSmoothing: 0.5 };
    const options = { ignoreIndex: -1, labelSmoothing: 0.5, classWeights: tensor([7]) };
    expect(check(logits, targets, options)).toEqual(sizes);
    refuses("SHAPE", ["classWeights must be [V] with V = 7"], () =>
      check(logits, targets, { classWeights: tensor([6]) }),
    );
    for (const labelSmoothing of [1, -0.1, NaN]) {
      refuses("ARGUMENT", ["labelSmoothing must be in [0, 1)"], () =>
        check(logits, targets, { labelSmoothing }),
      );
    }
    for (const options of [0, null]) {
      refuses("ARGUMENT", ["options must be an object", `got ${options}`], () =>
        check(logits, targets, options as unknown as object),
      );
    }
  });

  it("elementLoss wants the options of its kind", () => {
    const { check } = ops.elementLoss;
    const x = view(3, 7);
    const target = tensor([3, 7]);
    const same = { kind: "squaredError", x, target } as const;
    expect(check({ ...same, weight: tensor([3, 7]) })).toEqual({ count: 21, levelCount: 1 });
    const levels = { kind: "quantile", x: view(3, 7, 2), target, levels: tensor([2]) } as const;
    expect(check(levels)).toEqual({ count: 42, levelCount: 2 });
    const row = { kind: "quantile", x: tensor([2]), target: tensor([1]), levels: tensor([2]) } as const;
    expect(check(row)).toEqual({ count: 2, levelCount: 2 });
    refuses("ARGUMENT", ["kind must be one of", '"l1"'], () => check({ ...same, kind: "l1" as "huber" }));
    refuses("ARGUMENT", ["delta must be a number > 0, got NaN"], () => check({ ...same, kind: "huber" }));
    refuses("ARGUMENT", ["delta belongs to huber"], () => check({ ...same, delta: 1 }));
    refuses("ARGUMENT", ["levels belong to quantile, got none"], () => check({ ...same, kind: "quantile" }));
    refuses("SHAPE", ["levels must be [2]"], () => check({ ...levels, levels: tensor([3]) }));
    refuses("SHAPE", ["target must be [3, 7] for x [3, 7, 2], got [3]"], () =>
      check({ ...levels, target: tensor([3]) }),
    );
    refuses("SHAPE", ["target must be dense"], () => check({ ...same, target: view(3, 7) }));
    refuses("SHAPE", ["weight must be [3, 7] like target"], () => check({ ...same, weight: tensor([7]) }));
  });

  it("sumOfSquares names the tensor that is wrong", () => {
    expect(() => ops.sumOfSquares.check([tensor([2]), view(2, 3)])).not.toThrow();
    refuses("ARGUMENT", ["at least one"], () => ops.sumOfSquares.check([]));
    refuses("DTYPE", ["tensors[1] must be f32"], () => ops.sumOfSquares.check([tensor([2]), ints(2)]));
  });

  it("adamwStep wants four dense tensors of one shape and sane hyperparameters", () => {
    const slot = { param: tensor([2, 3]), grad: tensor([2, 3]), m: tensor([2, 3]), v: tensor([2, 3]) };
    const hyper = { step: 1, lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };
    expect(() => ops.adamwStep.check([slot], hyper, tensor([1]))).not.toThrow();
    refuses("ARGUMENT", ["at least one"], () => ops.adamwStep.check([], hyper));
    refuses("SHAPE", ["slots[1].m must be [2, 3]"], () =>
      ops.adamwStep.check([slot, { ...slot, m: tensor([6]) }], hyper),
    );
    refuses("SHAPE", ["slots[0].grad must be dense"], () =>
      ops.adamwStep.check([{ ...slot, grad: view(2, 3) }], hyper),
    );
    refuses("SHAPE", ["gradScale must be [1]"], () => ops.adamwStep.check([slot], hyper, tensor([2])));
    for (const wrong of [
      { step: 0 },
      { lr: -1 },
      { eps: NaN },
      { weightDecay: Infinity },
      { beta1: 1 },
      { beta2: -0.1 },
    ]) {
      refuses("ARGUMENT", Object.keys(wrong), () => ops.adamwStep.check([slot], { ...hyper, ...wrong }));
    }
  });
});
