import { describe, expect, it } from "vitest";
import { fakeTensor as tensor } from "../../test/fakeTensor.ts";
import { ops } from "../../test/ops.ts";
import { refuses } from "../../test/refuses.ts";
import type { DType } from "../dtype.ts";

const view = (shape: number[], dtype: DType = "f32") =>
  tensor(shape, { dtype, rowStride: shape.at(-1)! + 3 });
const gone = tensor([2, 3], { disposed: true });
const ints = (...shape: number[]) => tensor(shape, { dtype: "i32" });

describe("elementwise and normalisation", () => {
  it("silu, scale and add take f32 of one shape", () => {
    expect(() => ops.silu.check(view([2, 3]))).not.toThrow();
    refuses("DTYPE", ["silu: x must be f32, got i32"], () => ops.silu.check(ints(2)));
    refuses("DISPOSED", ["silu: x"], () => ops.silu.check(gone));
    refuses("ARGUMENT", ["scale: factor", "Infinity"], () => ops.scale.check(tensor([2]), Infinity));
    expect(() => ops.add.check(tensor([2, 3]), view([2, 3]))).not.toThrow();
    refuses("SHAPE", ["add: b must have the shape of a, [2, 3], or of its last axes, got [2, 4]"], () =>
      ops.add.check(tensor([2, 3]), tensor([2, 4])),
    );
    refuses("SHAPE", ["got [6]"], () => ops.add.check(tensor([2, 3]), tensor([6])));
    refuses("DTYPE", ["b must be f32"], () => ops.add.check(tensor([2]), ints(2)));
    refuses("DISPOSED", ["a was disposed"], () => ops.add.check(gone, tensor([2, 3])));
  });

  it("flip wants sequences", () => {
    expect(ops.flip.check(view([2, 5, 8]))).toEqual({ batch: 2, length: 5, channels: 8 });
    refuses("SHAPE", ["flip: x must be [B, L, D]"], () => ops.flip.check(tensor([5, 8])));
  });

  it("rmsNorm wants a weight of the last axis and a sane eps", () => {
    expect(ops.rmsNorm.check(view([2, 5, 8]), tensor([8]), 1e-5)).toMatchObject({ rows: 10, features: 8 });
    expect(ops.rmsNorm.check(tensor([8]), undefined, 0)).toMatchObject({ rows: 1, features: 8 });
    refuses("SHAPE", ["weight must be [8]", "got [7]"], () =>
      ops.rmsNorm.check(tensor([2, 8]), tensor([7]), 0),
    );
    for (const eps of [-1e-9, NaN, Infinity]) {
      refuses("ARGUMENT", ["eps", String(eps)], () => ops.rmsNorm.check(tensor([8]), undefined, eps));
    }
  });
});

describe("linear and embedding", () => {
  it("linear takes leading axes, float weights and an optional bias", () => {
    const half = tensor([16, 8], { dtype: "f16" });
    expect(ops.linear.check(view([2, 5, 8]), half, tensor([16]))).toEqual({
      rows: 10,
      inFeatures: 8,
      outFeatures: 16,
      shape: [2, 5, 16],
    });
    refuses("SHAPE", ["weight must be [O, 8]", "[16, 9]"], () =>
      ops.linear.check(tensor([2, 8]), tensor([16, 9])),
    );
    refuses("SHAPE", ["bias must be [O] with O = 16", "got [8]"], () =>
      ops.linear.check(tensor([2, 8]), tensor([16, 8]), tensor([8])),
    );
    refuses("SHAPE", ["weight must be dense"], () => ops.linear.check(tensor([2, 8]), view([16, 8])));
    refuses("DTYPE", ["weight must be f32 or f16 or bf16"], () =>
      ops.linear.check(tensor([2, 8]), ints(16, 8)),
    );
    refuses("DTYPE", ["x must be f32"], () => ops.linear.check(half, half));
  });

  it("embedding takes dense i32 ids of any shape", () => {
    expect(ops.embedding.check(ints(2, 5), tensor([100, 8], { dtype: "bf16" }))).toEqual({
      count: 10,
      vocabSize: 100,
      features: 8,
      shape: [2, 5, 8],
    });
    refuses("DTYPE", ["ids must be i32"], () => ops.embedding.check(tensor([2]), tensor([100, 8])));
    refuses("SHAPE", ["ids must be dense"], () => ops.embedding.check(view([2, 5], "i32"), tensor([100, 8])));
    refuses("SHAPE", ["weight must be [V, D]"], () => ops.embedding.check(ints(2), tensor([8])));
  });
});

describe("convolution", () => {
  const args = { x: view([2, 5, 8]), weight: tensor([8, 4]) };

  it("returns sizes, with every optional argument and without", () => {
    const sizes = { batch: 2, length: 5, channels: 8, width: 4 };
    expect(ops.causalConv1d.check(args)).toEqual(sizes);
    const full = {
      ...args,
      bias: tensor([8]),
      activation: "silu" as const,
      initialState: tensor([2, 8, 3]),
      sequenceIds: ints(2, 5),
    };
    expect(ops.causalConv1d.check(full)).toEqual(sizes);
    const step = { x: view([2, 8]), weight: tensor([8, 4]), bias: tensor([8]), activation: "silu" as const };
    const stepSizes = { batch: 2, channels: 8, width: 4 };
    expect(ops.causalConv1dStep.check(tensor([2, 8, 3]), step)).toEqual(stepSizes);
    const sequence = { ...step, x: view([2, 1, 8]) };
    expect(ops.causalConv1dStep.check(tensor([2, 8, 3]), sequence)).toEqual(stepSizes);
  });

  it("refuses what does not fit", () => {
    refuses("SHAPE", ["initialState", "W = 4"], () =>
      ops.causalConv1d.check({ ...args, initialState: tensor([2, 8, 4]) }),
    );
    refuses("SHAPE", ["sequenceIds must be [B, L]", "L = 5"], () =>
      ops.causalConv1d.check({ ...args, sequenceIds: ints(2, 2) }),
    );
    refuses("DTYPE", ["sequenceIds must be i32"], () =>
      ops.causalConv1d.check({ ...args, sequenceIds: tensor([2, 5]) }),
    );
    for (const width of [1, 17]) {
      refuses("ARGUMENT", ["width W", String(width)], () =>
        ops.causalConv1d.check({ ...args, weight: tensor([8, width]) }),
      );
    }
    refuses("ARGUMENT", ["activation", '"relu"'], () =>
      ops.causalConv1d.check({ ...args, activation: "relu" as "silu" }),
    );
    refuses("SHAPE", ["x must be [B, 1, D]"], () =>
      ops.causalConv1dStep.check(tensor([2, 8, 3]), { x: tensor([2, 2, 8]), weight: tensor([8, 4]) }),
    );
    refuses("SHAPE", ["causalConv1dStep: state"], () =>
      ops.causalConv1dStep.check(tensor([2, 8, 4]), { x: tensor([2, 8]), weight: tensor([8, 4]) }),
    );
  });
});

describe("scan", () => {
  const args = {
    u: tensor([2, 5, 8]),
    delta: view([2, 5, 8]),
    A: tensor([8, 4]),
    B: view([2, 5, 4]),
    C: view([2, 5, 4]),
  };
  const step = {
    u: tensor([2, 8]),
    delta: tensor([2, 8]),
    A: tensor([8, 4]),
    B: view([2, 4]),
    C: view([2, 4]),
  };

  it("returns sizes, with every optional argument and without", () => {
    const sizes = { batch: 2, length: 5, channels: 8, stateSize: 4 };
    const extras = { D: tensor([8]), deltaBias: tensor([8]), deltaSoftplus: true };
    expect(ops.selectiveScan.check(args)).toEqual(sizes);
    expect(
      ops.selectiveScan.check({
        ...args,
        ...extras,
        z: view([2, 5, 8]),
        initialState: tensor([2, 8, 4]),
        sequenceIds: ints(2, 5),
      }),
    ).toEqual(sizes);
    expect(
      ops.selectiveStateUpdate.check(tensor([2, 8, 4]), { ...step, ...extras, z: view([2, 8]) }),
    ).toEqual({
      batch: 2,
      channels: 8,
      stateSize: 4,
    });
  });

  it.each([
    ["delta", tensor([2, 4, 8])],
    ["A", tensor([4, 8])],
    ["A", view([8, 4])],
    ["B", tensor([2, 5, 5])],
    ["C", tensor([2, 5, 5])],
    ["D", tensor([4])],
    ["z", tensor([2, 5, 4])],
    ["deltaBias", tensor([2, 8])],
    ["initialState", tensor([2, 4, 8])],
    ["sequenceIds", ints(2, 4)],
  ])("refuses a wrong %s", (name, wrong) => {
    refuses("SHAPE", [`selectiveScan: ${name} must be`], () =>
      ops.selectiveScan.check({ ...args, [name]: wrong }),
    );
  });

  it("refuses 16-bit states, and more than 256 states a channel", () => {
    const wide = { ...args, A: tensor([8, 257]), B: tensor([2, 5, 257]), C: tensor([2, 5, 257]) };
    refuses("ARGUMENT", ["state size N", "257"], () => ops.selectiveScan.check(wide));
    refuses("DTYPE", ["state must be f32"], () =>
      ops.selectiveStateUpdate.check(tensor([2, 8, 4], { dtype: "f16" }), step),
    );
    refuses("SHAPE", ["state must be [B, D, N]"], () =>
      ops.selectiveStateUpdate.check(tensor([1, 8, 4]), step),
    );
  });
});

describe("choosing tokens", () => {
  const logits = view([2, 100]);
  const row = { temperature: 1, uniform: 0.5 };
  const args = { logits, rows: [{ temperature: 0, uniform: 0 }, row] };

  it("returns sizes", () => {
    expect(ops.argmax.check(logits)).toEqual({ batch: 2, vocabSize: 100 });
    const sizes = { batch: 2, vocabSize: 100, seenCount: 0, addCount: 0 };
    expect(ops.sample.check(args)).toEqual(sizes);
    const full = { ...row, topK: 1, topP: 1, minP: 0, repetitionPenalty: 1.2 };
    const add = { ids: ints(2, 3), values: tensor([2, 3]) };
    expect(
      ops.sample.check(
        { logits, rows: [full, row], seen: ints(2, 7), add, allow: ints(2, 4) },
        { logProbs: 100 },
      ),
    ).toEqual({ ...sizes, seenCount: 7, addCount: 3 });
  });

  it.each([
    ["temperature", -1],
    ["temperature", NaN],
    ["temperature", Infinity],
    ["topK", 0],
    ["topK", 1.5],
    ["topP", 0],
    ["topP", 1.01],
    ["minP", -0.1],
    ["minP", NaN],
    ["uniform", 1],
    ["uniform", -0.1],
    ["uniform", NaN],
    ["repetitionPenalty", 0],
    ["repetitionPenalty", -1],
    ["repetitionPenalty", Infinity],
  ])("sample refuses %s = %s, and names the row", (name, value) => {
    const rows = [row, { ...row, [name]: value }];
    refuses("ARGUMENT", [`sample: rows[1].${name} must be`, String(value)], () =>
      ops.sample.check({ logits, rows }),
    );
  });

  it("sample refuses other tensors and numbers", () => {
    refuses("ARGUMENT", ["rows must be 2, one for each row of logits, got 1"], () =>
      ops.sample.check({ logits, rows: [row] }),
    );
    for (const logProbs of [-1, 101, 0.5]) {
      refuses("ARGUMENT", ["logProbs", "from 0 to 100", String(logProbs)], () =>
        ops.sample.check(args, { logProbs }),
      );
    }
    refuses("ARGUMENT", ["logProbs", "from 0 to 1024"], () =>
      ops.sample.check({ ...args, logits: view([2, 2000]) }, { logProbs: 1025 }),
    );
    refuses("DTYPE", ["seen must be i32"], () => ops.sample.check({ ...args, seen: tensor([2, 7]) }));
    refuses("SHAPE", ["seen must be [B, S]"], () => ops.sample.check({ ...args, seen: ints(3, 7) }));
    const add = { ids: ints(2, 3), values: tensor([2, 4]) };
    refuses("SHAPE", ["add.values must be [B, K] with K = 3 from add.ids", "[2, 4]"], () =>
      ops.sample.check({ ...args, add }),
    );
    refuses("SHAPE", ["allow must be [B, 4]", "[2, 3]"], () =>
      ops.sample.check({ ...args, allow: ints(2, 3) }),
    );
    refuses("SHAPE", ["logits must be [B, V]"], () => ops.argmax.check(tensor([100])));
  });
});
