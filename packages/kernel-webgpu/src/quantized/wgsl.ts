import { formats, type QuantizedDType } from "@mamba/kernel";
import { layouts } from "./layouts.ts";

// WGSL that reads rows of planes (see layouts.ts) as f32. Eight consecutive elements have one scale: a shader for few rows of x
// reads each word of a plane of its rows once, or once per group of eight for words that several groups share.
//
// value = d (q - zero)      q8_0 (zero 0), q4_0 (8), q5_0 (16); iq4_nl: d values[q]
// value = d q + m           q4_1, q5_1
// value = d s q - m t       q4_k, q5_k, with the scale s and the minimum t of the 32 elements
// value = d s (q - 32)      q6_k, with the scale s of the 16 elements
//
// All products are exact in f32.

/** The value of the quants that mean 0. */
const zeros: Readonly<Partial<Record<QuantizedDType, number>>> = { q4_0: 8, q5_0: 16, q6_k: 32 };

const iq4Values = "-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113";

/** WGSL expressions of the first word of each plane after `row`, and of the words of a row. `columns_` is the row's length. */
function planes(dtype: QuantizedDType): {
  readonly high: string;
  readonly fine: string;
  readonly coarse: string;
  readonly words: string;
} {
  const layout = layouts[dtype];
  const high = `columns_ / ${32 / layout.quants}u`;
  const fine = layout.high ? `${high} + columns_ / ${32 / layout.high}u` : high;
  const coarse = layout.fine ? `${fine} + columns_ / 64u` : fine;
  const blocks = `columns_ / ${formats[dtype].blockElements}u`;
  const words = `${coarse} + ${layout.coarse === 2 ? blocks : `(${blocks} + 1u) / 2u`}`;
  return { high, fine, coarse, words };
}

/** WGSL statements that read what the elements 8 g to 8 g + 7 share. */
function shared(dtype: QuantizedDType): string {
  const layout = layouts[dtype];
  const at = planes(dtype);
  const block = `g / ${formats[dtype].blockElements / 8}u`;
  const lines: string[] = [];
  if (layout.quants === 4) lines.push("let quants = weight[row + g];");
  if (layout.high === 1) {
    lines.push(`let high = weight[row + ${at.high} + g / 4u] >> (2u * (g % 4u));`);
  } else if (layout.high === 2) {
    lines.push(`let high = weight[row + ${at.high} + g / 2u] >> (4u * (g % 2u));`);
  }
  if (layout.coarse === 2) lines.push(`let both = unpack2x16float(weight[row + ${at.coarse} + ${block}]);`);
  else {
    lines.push(`let pair = unpack2x16float(weight[row + ${at.coarse} + ${block} / 2u]);`);
    lines.push(`let d = select(pair.x, pair.y, (${block}) % 2u == 1u);`);
  }
  if (layout.fine === "pairs") {
    lines.push(`let fine = weight[row + ${at.fine} + g / 8u] >> (16u * (g / 4u % 2u));`);
    lines.push("let scale = both.x * f32(fine & 63u);");
    lines.push("let minimum = -both.y * f32((fine >> 8u) & 63u);");
  } else if (layout.fine === "scales") {
    lines.push(`let fine = i32(weight[row + ${at.fine} + g / 8u] << (24u - 8u * (g / 2u % 4u))) >> 24u;`);
    lines.push("let scale = d * f32(fine);");
  } else if (layout.coarse === 2) lines.push("let scale = both.x;", "let minimum = both.y;");
  else lines.push("let scale = d;");
  return lines.join("\n  ");
}

/** WGSL of the elements 8 g + 4 h to 8 g + 4 h + 3. */
function four(dtype: QuantizedDType, h: string): string {
  const layout = layouts[dtype];
  if (layout.quants === 8) return `scale * signedBytes(weight[row + 2u * g + ${h}])`;
  const nibbles = `((quants >> (4u * ${h})) & 0x0f0f0f0fu)`;
  if (dtype === "iq4_nl") return `scale * iq4Values(${nibbles})`;
  const high = [
    "",
    ` | (((high >> ${h}) & 0x01010101u) << 4u)`,
    ` | (((high >> (2u * ${h})) & 0x03030303u) << 4u)`,
  ][layout.high];
  const numbers = `bytes(${nibbles}${high})`;
  if (layout.coarse === 2) return `scale * ${numbers} + minimum`;
  return `scale * (${numbers} - ${zeros[dtype]}.0)`;
}

/**
 * WGSL that reads the buffer `weight`, bound as words: `weightRow(r)`, the first word of row r, and for a row that starts there
 * `eightWeights(row, g)`, elements 8 g to 8 g + 7, and `fourWeights(row, i)`, elements 4 i to 4 i + 3.
 */
export function quantizedReaders(dtype: QuantizedDType): string {
  const columns = "let columns_ = p.weight_stride;";
  return /* wgsl */ `
fn bytes(word: u32) -> vec4<f32> { return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u)); }
fn signedBytes(word: u32) -> vec4<f32> {
  return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}
${
  dtype === "iq4_nl"
    ? `const values = array<f32, 16>(${iq4Values});
fn iq4Values(word: u32) -> vec4<f32> {
  return vec4<f32>(values[word & 15u], values[(word >> 8u) & 15u], values[(word >> 16u) & 15u], values[(word >> 24u) & 15u]);
}`
    : ""
}
struct Eight { first: vec4<f32>, last: vec4<f32> }
fn weightRow(r: u32) -> u32 {
  ${columns}
  return p.weight_at + r * (${planes(dtype).words});
}
fn eightWeights(row: u32, g: u32) -> Eight {
  ${columns}
  ${shared(dtype)}
  return Eight(${four(dtype, "0u")}, ${four(dtype, "1u")});
}
fn fourWeights(row: u32, i: u32) -> vec4<f32> {
  ${columns}
  let g = i / 2u;
  let h = i % 2u;
  ${shared(dtype)}
  return ${four(dtype, "h")};
}`;
}
