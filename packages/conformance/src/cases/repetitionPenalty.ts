import { defineCase, floats, ints, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { repetitionPenalty } from "../reference/index.ts";
import { result, windowed, withValues } from "./shared.ts";

interface Options {
  view?: boolean;
  note?: string;
  ids?: readonly number[];
  values?: readonly number[];
}

function build(B: number, V: number, K: number, penalty: number, options: Options = {}): OpCase {
  const { view = false, note = "", ids, values = [] } = options;
  const label = `B${B} V${V} K${K} penalty ${penalty}${view ? " of a view" : ""}${note}`;
  return defineCase({
    op: "repetitionPenalty",
    label,
    sizes: { B, V, K },
    inputs: () => {
      const random = new Random(`repetitionPenalty ${label}`);
      const logits = floats(withValues(random.normals(B * V), values), [B, V]);
      return {
        logits: view ? windowed(logits) : logits,
        ids: ints(ids ?? Array.from({ length: B * K }, () => random.integer(0, V - 1)), [B, K]),
      };
    },
    run: (kernel, t) => ({ y: kernel.repetitionPenalty(t.logits, t.ids, penalty) }),
    reference: (v) => ({ y: result([B, V], repetitionPenalty(B, V, K, v.logits, v.ids, penalty)) }),
  });
}

export const repetitionPenaltyCases = [
  ...[1, 3, 17, 129, 2049].map((V, i) => build((i % 3) + 1, V, [1, 5, 33][i % 3] as number, 1.3)),
  build(2, 33, 7, 0.5),
  build(2, 33, 7, 1),
  build(3, 20, 6, 1.7, { view: true }),
  build(2, 9, 6, 2, { note: ", an id several times counts once", ids: [3, 3, 3, 3, 0, 0, 8, 8, 1, 8, 1, 8] }),
  build(2, 9, 5, 2, {
    note: ", ids outside are padding",
    ids: [-1, 9, 2 ** 31 - 1, -(2 ** 31), 4, -1, -1, -1, -1, -1],
  }),
  build(1, 6, 6, 2, {
    note: ", zeros, infinities and NaN",
    ids: [0, 1, 2, 3, 4, 5],
    values: [0, -0, Infinity, -Infinity, NaN, 1],
  }),
];
