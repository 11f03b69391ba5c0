import { describe, expect, it } from "vitest";
import { fakeTensor as tensor } from "../../test/fakeTensor.ts";
import { ops } from "../../test/ops.ts";
import { refuses } from "../../test/refuses.ts";
import { AttentionResidual } from "./residual.ts";

const view = (shape: number[]) => tensor(shape, { rowStride: shape.at(-1)! + 3 });
const ints = (...shape: number[]) => tensor(shape, { dtype: "i32" });

describe("attention", () => {
  // Six query heads over two heads of keys; five columns in keys, three in values.
  const args = {
    q: view([2, 7, 30]),
    k: view([2, 7, 10]),
    v: view([2, 7, 6]),
    heads: 6,
    kvHeads: 2,
    scale: 0.3,
  };
  const sizes = { batch: 2, length: 7, heads: 6, kvHeads: 2, keyDim: 5, valueDim: 3 };
  const cache = { keys: tensor([2, 9, 10]), values: tensor([2, 9, 6]), lengths: ints(2) };

  it("returns sizes", () => {
    expect(ops.attention.check({ ...args, sequenceIds: ints(2, 7) })).toEqual(sizes);
    expect(ops.cachedAttention.check({ ...args, ...cache })).toEqual({ ...sizes, capacity: 9 });
    const { keys, values } = cache;
    expect(ops.cachedAttention.writes?.({ ...args, ...cache })).toEqual([keys, values]);
  });

  it.each([
    ["SHAPE", { q: tensor([2, 7, 31]) }, "the last extent of q must be a multiple of heads = 6"],
    ["SHAPE", { k: tensor([2, 7, 12]) }, "k must be [B, L, K] with K = 10"],
    ["SHAPE", { v: tensor([2, 7, 7]) }, "the last extent of v must be a multiple of kvHeads = 2"],
    ["SHAPE", { k: tensor([2, 6, 10]) }, "k must be [B, L, K] with L = 7"],
    ["SHAPE", { sequenceIds: ints(7) }, "sequenceIds must be [B, L]"],
    ["ARGUMENT", { kvHeads: 4 }, "kvHeads must divide heads = 6, got 4"],
    ["ARGUMENT", { kvHeads: 12 }, "kvHeads must be a whole number from 1 to 6"],
    ["ARGUMENT", { scale: NaN }, "scale must be a finite number"],
  ] as const)("refuses %s %o", (code, wrong, message) => {
    refuses(code, [`attention: ${message}`], () => ops.attention.check({ ...args, ...wrong }));
  });

  it("cachedAttention refuses keys that do not fit, and fewer positions than new ones", () => {
    for (const [name, wrong, message] of [
      ["keys", tensor([2, 6, 10]), "values must be [B, T, V]"],
      ["keys", view([2, 9, 10]), "keys must be dense"],
      ["values", tensor([2, 9, 8]), "values must be [B, T, V] with V = 6"],
      ["lengths", ints(3), "lengths must be [B] with B = 2"],
    ] as const) {
      refuses("SHAPE", [`cachedAttention: ${message}`], () =>
        ops.cachedAttention.check({ ...args, ...cache, [name]: wrong }),
      );
    }
    const short = { keys: tensor([2, 6, 10]), values: tensor([2, 6, 6]) };
    refuses("SHAPE", ["keys must have at least the 7 positions of q, got 6"], () =>
      ops.cachedAttention.check({ ...args, ...cache, ...short }),
    );
    refuses("DTYPE", ["lengths must be i32"], () =>
      ops.cachedAttention.check({ ...args, ...cache, lengths: tensor([2]) }),
    );
  });

  it("rotary wants pairs that fit in a head", () => {
    const args = { x: view([2, 7, 24]), angles: view([2, 7, 3]), heads: 3, pairing: "half" as const };
    const sizes = { batch: 2, length: 7, heads: 3, headDim: 8, pairs: 3 };
    expect(ops.rotary.check(args)).toEqual(sizes);
    const own = { ...args, angles: tensor([2, 7, 9]), anglesPerHead: true };
    expect(ops.rotary.check(own)).toEqual(sizes);
    refuses("SHAPE", ["angles must have at most 4 pairs in a head of 8 columns, got 5"], () =>
      ops.rotary.check({ ...args, angles: tensor([2, 7, 5]) }),
    );
    refuses("SHAPE", ["the last extent of angles must be a multiple of heads = 3"], () =>
      ops.rotary.check({ ...own, angles: tensor([2, 7, 8]) }),
    );
    refuses("SHAPE", ["angles must be [B, L, A]"], () =>
      ops.rotary.check({ ...args, angles: tensor([2, 6, 3]) }),
    );
    refuses("SHAPE", ["the last extent of x"], () => ops.rotary.check({ ...args, heads: 5 }));
    refuses("ARGUMENT", ['pairing must be half or interleaved, got "whole"'], () =>
      ops.rotary.check({ ...args, pairing: "whole" as "half" }),
    );
  });

  it("attentionForward and attentionBackward", () => {
    const args = {
      ...{ q: tensor([2, 7, 30]), k: tensor([2, 7, 10]), v: tensor([2, 7, 6]) },
      ...{ heads: 6, kvHeads: 2, scale: 1 },
    };
    const sizes = { batch: 2, length: 7, heads: 6, kvHeads: 2, keyDim: 5, valueDim: 3 };
    const residual = new AttentionResidual(tensor([4]), sizes);
    const y = view([2, 7, 18]);
    const { check } = ops.attentionBackward;
    expect(ops.attentionForward.check(args)).toEqual(sizes);
    expect(check(y, args, y, residual)).toEqual(sizes);
    refuses("SHAPE", ["attentionBackward: y must be [B, L, O] with O = 18"], () =>
      check(y, args, tensor([2, 7, 30]), residual),
    );
    const other = new AttentionResidual(tensor([4]), { ...sizes, kvHeads: 1 });
    refuses("SHAPE", ["kvHeads 2", "kvHeads 1"], () => check(y, args, y, other));
  });
});
