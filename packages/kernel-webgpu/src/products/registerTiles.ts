import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { grid, lines } from "../wgsl/lines.ts";
import { isQuantizedKind, type WeightKind } from "../wgsl/weights.ts";
import * as wgsl from "./wgsl.ts";

// A matrix product for software adapters: each of the 8 by 8 invocations of a workgroup computes a tile of y in registers and
// reads its terms from the buffers. The larger tile reads half as much. Nothing is shared, so there are no barriers.

/** WGSL that reads the numbers of one factor of the product for a tile of sums: one or four terms at a time. */
interface Side {
  /** Declares the start of the numbers in the buffer. */
  readonly start: string;
  /** Reads the terms from k on; `i` is k in elements of the buffer. */
  readonly read: Readonly<Record<1 | 4, string>>;
  /** The value that was read for a row or a column of the tile. */
  readonly value: Readonly<Record<1 | 4, (at: number, term: number) => string>>;
}

type Value = Side["value"];

const alongValue = (v: string): Value => ({ 4: (at, term) => `${v}${at}[${term}]`, 1: (at) => `${v}${at}` });

function acrossValue(v: string): Value {
  const value = (at: number, term: number) => `${v}${term}_${at >> 2}[${at & 3}]`;
  return { 4: value, 1: value };
}

/** @param unit numbers per element of the buffer */
function side(name: "x" | "weight", layout: wgsl.Layout, size: number, unit: number): Side {
  const [v, start, first, count] =
    name === "x"
      ? ["a", "(p.x_at + p.xStart)", "row", "p.rows"]
      : ["b", "p.weight_at", "column", "p.columns"];
  const step = `(p.${name}_stride / ${unit}u)`;
  // Rows and columns past the end read the last one again, or any other number, and are not stored.
  if (layout === "along") {
    const start_ = (i: number) =>
      `let ${v}_${i} = ${start} / ${unit}u + min(${first} + ${i}u, ${count} - 1u) * ${step};`;
    return {
      start: lines(size, start_),
      read: {
        4: lines(size, (i) => `let ${v}${i} = ${name}Four(${v}_${i} + i);`),
        1: lines(size, (i) => `let ${v}${i} = ${name}One(${v}_${i} * ${unit}u + k);`),
      },
      value: alongValue(v),
    };
  }
  const read = (terms: number) =>
    grid(
      terms,
      size / 4,
      (t, g) => `let ${v}${t}_${g} = ${name}Four(${v}_ + (k + ${t}u) * ${v}Step + ${(4 * g) / unit}u);`,
    );
  return {
    start: `let ${v}_ = (${start} + min(${first}, (${count} - 1u) / 4u * 4u)) / ${unit}u;
    let ${v}Step = ${step};`,
    read: { 4: read(4), 1: read(1) },
    value: acrossValue(v),
  };
}

/** The reads of a quantised weight: see `quantizedReaders`. Rows have no length in elements of the buffer. */
function quantizedSide(layout: wgsl.Layout, size: number): Side {
  if (layout === "along") {
    const row = (i: number) => `let b_${i} = weightRow(min(column + ${i}u, p.columns - 1u));`;
    return {
      start: lines(size, row),
      read: {
        4: lines(size, (i) => `let b${i} = fourWeights(b_${i}, k / 4u);`),
        1: lines(size, (i) => `let b${i} = fourWeights(b_${i}, k / 4u)[k % 4u];`),
      },
      value: alongValue("b"),
    };
  }
  const read = (terms: number) =>
    lines(terms, (t) => {
      const each = (g: number) => `let b${t}_${g} = fourWeights(row${t}, b_ + ${g}u);`;
      return `let row${t} = weightRow(k + ${t}u); ${lines(size / 4, each)}`;
    });
  return {
    start: "let b_ = min(column, p.columns - 1u) / 4u;",
    read: { 4: read(4), 1: read(1) },
    value: acrossValue("b"),
  };
}

/** @param size rows and columns of the tile of one invocation: 4 or 8 */
export const registerTileShader = memoize(
  (form: wgsl.FormName, kind: WeightKind, four: boolean, size: number): wgsl.ProductShader => {
    const unit = four ? 4 : 1;
    const x = side("x", wgsl.forms[form].x, size, unit);
    const { weight: layout } = wgsl.forms[form];
    const weight = isQuantizedKind(kind) ? quantizedSide(layout, size) : side("weight", layout, size, unit);
    const add = (terms: 1 | 4) =>
      grid(size, size, (r, c) =>
        wgsl.added(
          `s${r}_${c}`,
          terms,
          (t) => x.value[terms](r, t),
          (t) => weight.value[terms](c, t),
        ),
      );
    return defineShader({
      name: `linear ${form} ${kind}, tiles of ${size}${four ? "" : ", unaligned"}`,
      ...wgsl.productBuffers(kind, four),
      code: /* wgsl */ `
${wgsl.readers(kind, four)}
${wgsl.storeOutput(form)}
fn run(group: u32, lane: u32) {
  let row = ((group % p.rowTiles) * 8u + lane / 8u) * ${size}u;
  let column = ((group / p.rowTiles) * 8u + lane % 8u) * ${size}u;
    ${x.start}
    ${weight.start}
${wgsl.summed(
  form,
  size,
  (r, c) => `row + ${r}u, column + ${c}u`,
  /* wgsl */ `
  var k = start;
  for (; k + 4u <= end; k += 4u) {
    let i = k / ${unit}u;
    ${x.read[4]}
    ${weight.read[4]}
    ${add(4)}
  }
  for (; k < end; k++) {
    ${x.read[1]}
    ${weight.read[1]}
    ${add(1)}
  }`,
)}
}`,
    });
  },
);
