import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { grid, lines } from "../wgsl/lines.ts";
import { isQuantizedKind, type WeightKind } from "../wgsl/weights.ts";
import * as wgsl from "./wgsl.ts";

// A matrix product for GPUs: a workgroup computes 64 by 64 numbers of y, each of its 16 by 16 invocations 4 by 4 of them. Tiles
// of 64 rows by 16 terms are copied to workgroup memory, so that each number is read from a buffer once for 64 products. They
// take 10 of the 16 KiB that WebGPU guarantees.

/**
 * WGSL that copies this invocation's four terms of a row or a column of y to the tile: the terms from k on, and 0 from `end`
 * on. Rows past the last read the last one again and are not stored. Neighbouring invocations read neighbouring numbers.
 */
function fill(name: "x" | "weight", layout: wgsl.Layout, four: boolean, quantized: boolean): string {
  const [tile, start, first, count] =
    name === "x"
      ? ["xs", "p.x_at + p.xStart", "row", "p.rows"]
      : ["ws", "p.weight_at", "column", "p.columns"];
  const [own, term] = layout === "along" ? ["lane / 4u", "lane % 4u"] : ["lane % 64u", "lane / 64u"];
  const index = `min(${first} + ${own}, ${count} - 1u)`;
  const { at, read } = quantized ? quantizedRead(layout, index) : floatRead(name, layout, four, start, index);
  return /* wgsl */ `
    {
      let at = ${at};
      let from_ = k + ${term} * 4u;
      var four = vec4<f32>(0.0);
      ${read}
      ${tile}[${own} * pitch + ${term}] = four;
    }`;
}

/** WGSL of the start `at` of the terms, and of the statement that reads four of them. */
interface Read {
  readonly at: string;
  readonly read: string;
}

function floatRead(name: string, layout: wgsl.Layout, four: boolean, start: string, index: string): Read {
  const [at, step] =
    layout === "along"
      ? [`${start} + ${index} * p.${name}_stride`, ""]
      : [`${start} + ${index}`, ` * p.${name}_stride`];
  const read = four
    ? `if (from_ < end) {
        let found = ${name}Four((at + from_) / 4u);
        four = select(vec4<f32>(0.0), found, vec4<u32>(0u, 1u, 2u, 3u) + from_ < vec4<u32>(end));
      }`
    : eachTerm(`${name}One(at + (from_ + i)${step})`);
  return { at, read };
}

/** The length of a row is a multiple of four. */
function quantizedRead(layout: wgsl.Layout, index: string): Read {
  if (layout === "along") {
    return { at: `weightRow(${index})`, read: "if (from_ < end) { four = fourWeights(at, from_ / 4u); }" };
  }
  return { at: index, read: eachTerm("fourWeights(weightRow(from_ + i), at / 4u)[at % 4u]") };
}

const eachTerm = (value: string): string =>
  `for (var i = 0u; i < 4u && from_ + i < end; i++) { four[i] = ${value}; }`;

/** @param aligned true when all rows of x and of the weight start at a multiple of four numbers */
export const sharedTileShader = memoize(
  (form: wgsl.FormName, kind: WeightKind, aligned: boolean): wgsl.ProductShader => {
    const { x, weight } = wgsl.forms[form];
    const [fourX, fourWeights] = [aligned && x === "along", aligned && weight === "along"];
    return defineShader({
      name: `linear ${form} ${kind}, shared tiles${aligned ? "" : ", unaligned"}`,
      ...wgsl.productBuffers(kind, fourX, fourWeights),
      workgroup: 256,
      code: /* wgsl */ `
${wgsl.readers(kind, fourX, fourWeights)}
// Rows of a tile are five vectors apart, so that neighbouring invocations read different memory banks.
const pitch = 5u;
var<workgroup> xs: array<vec4<f32>, 64u * pitch>;
var<workgroup> ws: array<vec4<f32>, 64u * pitch>;
${wgsl.storeOutput(form)}
fn run(group: u32, lane: u32) {
  let row = (group % p.rowTiles) * 64u;
  let column = (group / p.rowTiles) * 64u;
  let ownRow = lane / 16u;
  let ownColumn = lane % 16u;
${wgsl.summed(
  form,
  4,
  (r, c) => `row + ownRow + ${16 * r}u, column + ownColumn + ${16 * c}u`,
  /* wgsl */ `
  for (var k = start; k < end; k += 16u) {
${fill("x", x, fourX, false)}
${fill("weight", weight, fourWeights, isQuantizedKind(kind))}
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
    ${lines(4, (r) => `let a${r} = xs[(ownRow + ${16 * r}u) * pitch + i];`)}
    ${lines(4, (c) => `let b${c} = ws[(ownColumn + ${16 * c}u) * pitch + i];`)}
    ${grid(4, 4, (r, c) =>
      wgsl.added(
        `s${r}_${c}`,
        4,
        (t) => `a${r}[${t}]`,
        (t) => `b${c}[${t}]`,
      ),
    )}
    }
    workgroupBarrier();
  }`,
)}
}`,
    });
  },
);
