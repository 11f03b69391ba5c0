import { defineCase, floats } from "../case.ts";
import { Random } from "../random.ts";
import { flip } from "../reference/index.ts";
import { lengths, result, windowed } from "./shared.ts";

const build = (B: number, L: number, D: number, view: boolean) => {
  const label = `B${B} L${L} D${D}${view ? " of a view" : ""}`;
  return defineCase({
    op: "flip",
    label,
    sizes: { B, L, D },
    inputs: () => {
      const x = floats(new Random(`flip ${label}`).normals(B * L * D), [B, L, D]);
      return { x: view ? windowed(x) : x };
    },
    run: (kernel, t) => ({ y: kernel.flip(t.x) }),
    reference: (v) => ({ y: result([B, L, D], flip(B, L, D, v.x)) }),
  });
};

export const flipCases = [
  ...lengths.map((L, i) => build((i % 3) + 1, L, [1, 5, 17][i % 3] as number, false)),
  build(2, 7, 5, true),
  build(3, 33, 1, true),
];
