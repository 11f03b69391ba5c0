import { defineShader } from "../shader.ts";
import * as wgsl from "../wgsl/product.ts";
import type { WeightKind } from "../wgsl/weights.ts";

// A matrix product in tiles, straight from memory: each of 8 by 8 invocations makes a block of y in registers. For software
// adapters, where the larger block reads half as much and nothing needs to be shared.

/** WGSL that reads the numbers of one side of the product for a block of sums, four terms at a time and one. */
interface Side {
  /** Where they are. */
  readonly from: string;
  /** Reads the terms from k on; `i` is k in the unit of the buffer. */
  readonly read: Readonly<Record<1 | 4, string>>;
  /** What was read for a row or a column of the block. */
  readonly taken: Readonly<Record<1 | 4, (at: number, term: number) => string>>;
}

/** @param unit how many numbers at a time the buffer is bound by */
function side(name: "x" | "weight", layout: wgsl.Layout, block: number, unit: number): Side {
  const [v, start, first, count] =
    name === "x" ? ["a", "(p.x_at + p.skip)", "row", "p.rows"] : ["b", "p.weight_at", "column", "p.columns"];
  const step = `(p.${name}_stride / ${unit}u)`;
  // Past the end is the last one again, or whatever is there, and is not stored.
  if (layout === "along") {
    const start_ = (i: number) =>
      `let ${v}_${i} = ${start} / ${unit}u + min(${first} + ${i}u, ${count} - 1u) * ${step};`;
    return {
      from: wgsl.lines(block, start_),
      read: {
        4: wgsl.lines(block, (i) => `let ${v}${i} = ${name}Four(${v}_${i} + i);`),
        1: wgsl.lines(block, (i) => `let ${v}${i} = ${name}One(${v}_${i} * ${unit}u + k);`),
      },
      taken: { 4: (at, term) => `${v}${at}[${term}]`, 1: (at) => `${v}${at}` },
    };
  }
  const read = (terms: number) =>
    wgsl.grid(
      terms,
      block / 4,
      (t, g) => `let ${v}${t}_${g} = ${name}Four(${v}_ + (k + ${t}u) * ${v}Step + ${(4 * g) / unit}u);`,
    );
  const taken = (at: number, term: number) => `${v}${term}_${at >> 2}[${at & 3}]`;
  return {
    from: `let ${v}_ = (${start} + min(${first}, (${count} - 1u) / 4u * 4u)) / ${unit}u;
    let ${v}Step = ${step};`,
    read: { 4: read(4), 1: read(1) },
    taken: { 4: taken, 1: taken },
  };
}

/** @param block rows and columns to an invocation: 4 or 8 */
export const blockShader = wgsl.lazily(
  (form: wgsl.FormName, kind: WeightKind, four: boolean, block: number): wgsl.ProductShader => {
    const unit = four ? 4 : 1;
    const x = side("x", wgsl.forms[form].x, block, unit);
    const weight = side("weight", wgsl.forms[form].weight, block, unit);
    const add = (terms: 1 | 4) =>
      wgsl.grid(block, block, (r, c) =>
        wgsl.added(
          `s${r}_${c}`,
          terms,
          (t) => x.taken[terms](r, t),
          (t) => weight.taken[terms](c, t),
        ),
      );
    return defineShader({
      name: `linear ${form} ${kind}, blocks of ${block}${four ? "" : ", unaligned"}`,
      ...wgsl.productBuffers(kind, four),
      code: /* wgsl */ `
${wgsl.readers(kind, four)}
${wgsl.storeOutput(form)}
fn run(group: u32, lane: u32) {
  let row = ((group % p.tiles) * 8u + lane / 8u) * ${block}u;
  let column = ((group / p.tiles) * 8u + lane % 8u) * ${block}u;
    ${x.from}
    ${weight.from}
${wgsl.summed(
  form,
  block,
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
