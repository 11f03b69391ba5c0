import { type CaseInput, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { rmsNormBackward } from "../reference/index.ts";
import { result, windowed, withValues } from "./shared.ts";

interface Options {
  weight?: boolean;
  view?: boolean;
  eps?: number;
  scale?: number;
  note?: string;
  leading?: readonly number[];
  /** Over the first elements of x. */
  values?: readonly number[];
}

function build(rows: number, D: number, options: Options = {}): OpCase {
  const {
    weight = false,
    view = false,
    eps = 1e-5,
    scale = 1,
    note = "",
    leading = [rows],
    values = [],
  } = options;
  const label = `rows ${rows} D${D} eps ${eps}${weight ? " +weight" : ""}${view ? " of views" : ""}${note}`;
  return defineTrainingCase({
    op: "rmsNormBackward",
    label,
    sizes: { rows, D },
    inputs: () => {
      const random = new Random(`rmsNormBackward ${label}`);
      const dy = floats(random.normals(rows * D), [...leading, D]);
      const x = floats(withValues(random.normals(rows * D, scale), values), [...leading, D]);
      const place = (input: CaseInput, before: number) => (view ? windowed(input, before, 2) : input);
      return {
        dy: place(dy, 1),
        x: place(x, 3),
        weight: weight ? floats(random.normals(D), [D]) : undefined,
      };
    },
    run: (kernel, t) => {
      const { dx, dWeight } = kernel.rmsNormBackward(t.dy, t.x, t.weight, eps);
      return dWeight ? { dx, dWeight } : { dx };
    },
    reference: (v) => {
      const { dx, dWeight } = rmsNormBackward(rows, D, v.dy, v.x, v.weight, eps);
      const out = { dx: result([...leading, D], dx) };
      return weight ? { ...out, dWeight: result([D], dWeight) } : out;
    },
  });
}

export const rmsNormBackwardCases = [
  ...[3, 5, 17, 33, 129, 513, 2049].map((D, i) => build((i % 4) + 1, D, { weight: i % 2 === 0 })),
  // One feature is nothing but its sign: the gradient is left to eps alone.
  build(3, 1, { weight: true, eps: 0.1 }),
  build(130, 24, { weight: true }),
  build(513, 5, { weight: true }),
  build(1500, 33, { weight: true, note: ", work for several threads" }),
  build(5, 48, { view: true }),
  build(5, 48, { view: true, weight: true }),
  build(1, 16, { eps: 0 }),
  build(3, 16, { eps: 1e-6, scale: 1e-3, note: ", so small that eps counts" }),
  build(2, 33, { eps: 0.5, weight: true }),
  build(2, 33, { scale: 1e15, note: ", large values" }),
  build(6, 20, { leading: [2, 3], weight: true, note: ", three axes" }),
  build(3, 8, { weight: true, values: new Array<number>(8).fill(0), note: ", a row of zeros" }),
  build(4, 9, { weight: true, values: [1, NaN], note: ", NaN in one row" }),
  build(4, 9, { values: [1, NaN], note: ", NaN in one row" }),
];
