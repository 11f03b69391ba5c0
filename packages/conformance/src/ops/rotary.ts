import type { RotaryArgs, RotaryPairing } from "@mamba/kernel";
import { type CaseInput, defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, defineOp, defineTrainingOp, f32, L, manyRows, type OutOfRange } from "../opSuite.ts";
import { Random } from "../random.ts";

/** Extents: rows (batch times length), heads, columns of a head, pairs. */
interface Extents {
  readonly rows: number;
  readonly H: number;
  readonly Dh: number;
  readonly S: number;
}

type Scalars = Pick<RotaryArgs, "pairing" | "anglesPerHead" | "inverse">;

/** Calls `visit` with the indices of both columns of each pair, and that of their angle. */
function eachPair(
  { rows, H, Dh, S }: Extents,
  { pairing, anglesPerHead }: Scalars,
  visit: (first: number, second: number, angle: number) => void,
): void {
  for (let r = 0; r < rows; r++) {
    for (let h = 0; h < H; h++) {
      const head = (r * H + h) * Dh;
      for (let s = 0; s < S; s++) {
        const angle = anglesPerHead ? (r * H + h) * S + s : r * S + s;
        if (pairing === "half") visit(head + s, head + s + S, angle);
        else visit(head + 2 * s, head + 2 * s + 1, angle);
      }
    }
  }
}

/** (a, b) -> (a cos - b sin, a sin + b cos) for each pair; the other columns are copied. */
function reference(extents: Extents, x: Values, angles: Values, scalars: Scalars): Float64Array {
  const y = Float64Array.from(x);
  const sign = scalars.inverse ? -1 : 1;
  eachPair(extents, scalars, (i, j, at) => {
    const [cos, sin] = [Math.cos(angles[at]!), sign * Math.sin(angles[at]!)];
    y[i] = x[i]! * cos - x[j]! * sin;
    y[j] = x[i]! * sin + x[j]! * cos;
  });
  return y;
}

/** For each pair of results (p, q) with gradients (dp, dq): dq p - dp q, negated for the inverse; summed over the heads of an angle. */
function anglesReference(
  extents: Extents,
  dy: Values,
  x: Values,
  angles: Values,
  scalars: Scalars,
): Float64Array {
  const y = reference(extents, x, angles, scalars);
  const dAngles = new Float64Array(angles.length);
  const sign = scalars.inverse ? -1 : 1;
  eachPair(extents, scalars, (i, j, at) => {
    dAngles[at]! += sign * (dy[j]! * y[i]! - dy[i]! * y[j]!);
  });
  return dAngles;
}

interface Options extends Partial<Scalars> {
  view?: boolean;
  note?: string;
  /** Largest magnitude of an angle. Default: 4. */
  largest?: number;
  /** Overwrite the first angles. */
  values?: readonly number[];
}

/** The parts that a case of the op and one of its backward have. */
function partsOf(
  op: string,
  [batch, L, H, Dh, S]: readonly [B: number, L: number, H: number, Dh: number, S: number],
  { view = false, note = "", largest = 4, values = [], ...rest }: Options,
) {
  const scalars: Scalars = { pairing: "half", ...rest };
  const { pairing, anglesPerHead, inverse } = scalars;
  const options = `${anglesPerHead ? " per head" : ""}${inverse ? " inverse" : ""}${view ? " of views" : ""}`;
  const label = `B${batch} L${L} H${H} Dh${Dh} S${S} ${pairing}${options}${note}`;
  const rows = batch * L;
  const shape = [batch, L, H * Dh];
  const angleShape = [batch, L, anglesPerHead ? H * S : S];
  const angles = rows * (anglesPerHead ? H * S : S);
  const place = (input: CaseInput, before: number): CaseInput => (view ? asView(input, before, 2) : input);
  return {
    ...{ label, scalars, shape, angleShape, angles, pairs: rows * H * S, elements: rows * H * Dh },
    extents: { rows, H, Dh, S },
    sizes: { B: batch, L, H, Dh, S },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      const drawn = withValues(random.uniforms(angles, -largest, largest), values);
      return {
        dy: place(floats(random.normals(rows * H * Dh), shape), 1),
        x: place(floats(random.normals(rows * H * Dh), shape), 3),
        angles: place(floats(drawn, angleShape), 5),
      };
    },
  };
}

/** Sine and cosine of each angle (2) and the rotation of each pair (6). */
function build(size: Parameters<typeof partsOf>[1], options: Options = {}): OpCase {
  const parts = partsOf("rotary", size, options);
  const { label, scalars, shape, angles, pairs, elements, extents, sizes, inputs } = parts;
  return defineCase({
    op: "rotary",
    label,
    sizes,
    cost: { flops: 2 * angles + 6 * pairs, bytes: bytesOf(2 * elements + angles) },
    inputs: () => {
      const { x, angles } = inputs();
      return { x, angles };
    },
    run: (kernel, t) => ({ y: kernel.rotary({ ...t, heads: extents.H, ...scalars }) }),
    reference: (v) => ({ y: result(shape, reference(extents, v.x, v.angles, scalars)) }),
  });
}

/** The rotation of each pair (6) and its product with the gradients (4). */
function backwardCase(size: Parameters<typeof partsOf>[1], options: Options = {}): OpCase {
  const op = "rotaryBackwardAngles";
  const parts = partsOf(op, size, options);
  const { label, scalars, angleShape, angles, pairs, elements, extents, sizes, inputs } = parts;
  return defineTrainingCase({
    op,
    label,
    sizes,
    cost: { flops: 2 * angles + 10 * pairs, bytes: bytesOf(2 * elements + 2 * angles) },
    inputs,
    run: (kernel, { dy, ...args }) => ({
      dAngles: kernel.rotaryBackwardAngles(dy, { ...args, heads: extents.H, ...scalars }),
    }),
    reference: (v) => ({
      dAngles: result(angleShape, anglesReference(extents, v.dy, v.x, v.angles, scalars)),
    }),
  });
}

/** Angles at which a quadrant ends, and large ones. */
const quadrants = [0, -0, Math.PI / 4, Math.PI / 2, Math.PI, -Math.PI, 2 * Math.PI, 1e-20, 1e4, -1e4, 9999.5];

/** The cases of the op, which its backward has too. */
function casesOf(make: typeof build): OpCase[] {
  return (["half", "interleaved"] as const).flatMap((pairing: RotaryPairing) => [
    make([2, 3, 4, 8, 4], { pairing }),
    make([1, 17, 3, 16, 5], { pairing, note: ", partial" }),
    make([2, 5, 3, 7, 3], { pairing, anglesPerHead: true, note: ", an odd head" }),
    make([1, 9, 5, 64, 32], { pairing, inverse: true }),
    make([3, 4, 2, 6, 2], { pairing, anglesPerHead: true, inverse: true, view: true }),
    make([2, 65, 3, 20, 8], { pairing, view: true, note: ", partial" }),
    make([1, 1, 1, 2, 1], { pairing }),
    make([1, 40, 2, 4, 2], { pairing, largest: 1e4, note: ", large angles" }),
    make([1, 3, 2, 8, 4], { pairing, values: quadrants, note: ", ends of quadrants" }),
    make([2, 150, 4, 32, 16], { pairing, note: ", work for several threads" }),
    make([1, 3, 2, 8, 4], { pairing, values: [1, NaN, Infinity], note: ", angles that are not finite" }),
  ]);
}

/** Calls with scalars out of range. */
function badScalars(call: (heads: number, pairing: RotaryPairing) => unknown): OutOfRange[] {
  return [
    ["heads 0", () => call(0, "half")],
    ["heads 1.5", () => call(1.5, "half")],
    ["an unknown pairing", () => call(2, "whole" as RotaryPairing)],
  ];
}

const [heads, pairs] = [3, 2];
const minimalArgs = { x: f32(B, L, heads * 2 * pairs), angles: f32(B, L, pairs) };
const minimalScalars = { heads, pairing: "half" } as const;

export const rotary = defineOp("rotary", {
  reference,
  cases: casesOf(build),
  benchmarks: [build([1, 512, 32, 64, 32])],
  minimal: { args: minimalArgs, call: (k, t) => [k.rotary({ ...t, ...minimalScalars })] },
  rows: {
    arguments: ["x", "angles"],
    many: [
      build([manyRows, 3, 4, 16, 5]),
      build([manyRows, 1, 3, 7, 3], { pairing: "interleaved", anglesPerHead: true, view: true }),
    ],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([1, 2, 8], "f32"));
    const angles = scope.use(kernel.zeros([1, 2, 2], "f32"));
    return badScalars((heads, pairing) => kernel.rotary({ x, angles, heads, pairing }));
  },
});

export const rotaryBackwardAngles = defineTrainingOp("rotaryBackwardAngles", {
  reference: anglesReference,
  cases: casesOf(backwardCase),
  batched: { arguments: ["dy", "x", "angles"] },
  minimal: {
    args: { dy: minimalArgs.x, ...minimalArgs },
    call: (k, { dy, ...args }) => [k.rotaryBackwardAngles(dy, { ...args, ...minimalScalars })],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([1, 2, 8], "f32"));
    const angles = scope.use(kernel.zeros([1, 2, 2], "f32"));
    return badScalars((heads, pairing) => kernel.rotaryBackwardAngles(x, { x, angles, heads, pairing }));
  },
});
