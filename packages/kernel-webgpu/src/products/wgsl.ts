import type { Shader } from "../shader.ts";
import { quantizedReaders } from "../quantized/wgsl.ts";
import { grid } from "../wgsl/lines.ts";
import { isQuantizedKind, weight4, weightAt, weightElement, type WeightKind } from "../wgsl/weights.ts";

// WGSL for all shaders of matrix products: y[r, c] = sum_k x(r, k) * weight(c, k). The three products of a linear layer differ
// in the position of x(r, k) and weight(c, k) in their tensors.

/** The terms k of one sum are `along` a row of the tensor, or `across` its rows: each in the next row. */
export type Layout = "along" | "across";

interface Form {
  readonly x: Layout;
  readonly weight: Layout;
  /**
   * `continued`: the sum continues the number in y term by term, so that the result does not depend on the chunks of the
   * weight. `chunks`: sums of 256 terms are added, which keeps the rounding error of a sum over all positions small.
   */
  readonly sum: "plain" | "continued" | "chunks";
}

/** The products of a linear layer. */
export const forms = {
  /** y = x · weightᵀ + bias */
  forward: { x: "along", weight: "along", sum: "plain" },
  /** dx = dy · weight, with dy as x */
  "backward input": { x: "along", weight: "across", sum: "continued" },
  /** dWeight = dyᵀ · x, with dy as x and x as weight */
  "backward weight": { x: "across", weight: "across", sum: "chunks" },
} as const satisfies Record<string, Form>;

export type FormName = keyof typeof forms;

/** The parameters of every product, which computes the columns [first, first + columns) of y. */
export const productParams = {
  ...({ rows: "u32", columns: "u32", depth: "u32", first: "u32" } as const),
  /** Numbers per row of y. */
  width: "u32",
  /** Number of tiles that cover the rows. */
  rowTiles: "u32",
  /** Numbers of x before the first term. */
  xStart: "u32",
  /** 1 when the sums continue those that y holds. */
  continued: "u32",
} as const;

export type ProductShader = Shader<"x" | "weight" | "bias", "y", keyof typeof productParams>;

/** WGSL `store(r, c, sum)`: stores a number of y, with its bias. It stores nothing past the end. */
export const storeOutput = (form: FormName): string => {
  const withBias = "sum + select(0.0, bias[p.first + c], p.bias_stride != 0u)";
  return /* wgsl */ `
fn place(r: u32, c: u32) -> u32 { return p.y_at + r * p.width + p.first + c; }
// Without an early return, which is slow on software adapters.
fn store(r: u32, c: u32, sum: f32) {
  if ((r < p.rows) & (c < p.columns)) { y[place(r, c)] = ${form === "forward" ? withBias : "sum"}; }
}`;
};

/**
 * The buffers of a product: x and the weight have four numbers per element when their rows start at a multiple of four
 * numbers.
 */
export function productBuffers(kind: WeightKind, fourX: boolean, fourWeights = fourX) {
  const enable: readonly "f16"[] = kind === "native f16" ? ["f16"] : [];
  const x = fourX ? ("vec4<f32>" as const) : ("f32" as const);
  return {
    enable,
    read: { x, weight: weightElement(kind, fourWeights), bias: "f32" },
    write: { y: "f32" },
    params: productParams,
  } as const;
}

/**
 * WGSL that computes a tile of `size` by `size` numbers of y.
 *
 * @param place WGSL of the row and the column of each number
 * @param terms WGSL that adds the terms [start, end) to the sums `s<row>_<column>`
 */
export function summed(
  form: FormName,
  size: number,
  place: (r: number, c: number) => string,
  terms: string,
): string {
  const { sum } = forms[form];
  const zero = (name: string) => grid(size, size, (r, c) => `var ${name}${r}_${c} = 0.0;`);
  const store = (name: string) => grid(size, size, (r, c) => `store(${place(r, c)}, ${name}${r}_${c});`);
  if (sum !== "chunks") {
    const held = grid(size, size, (r, c) => `s${r}_${c} = y[place(${place(r, c)})];`);
    return /* wgsl */ `
    ${zero("s")}
  ${sum === "continued" ? `if (p.continued != 0u) {\n    ${held}\n  }` : ""}
  let start = 0u;
  let end = p.depth;
${terms}
    ${store("s")}`;
  }
  return /* wgsl */ `
    ${zero("total")}
  for (var start = 0u; start < p.depth; start += 256u) {
    let end = min(start + 256u, p.depth);
    ${zero("s")}
${terms}
    ${grid(size, size, (r, c) => `total${r}_${c} += s${r}_${c};`)}
  }
    ${store("total")}`;
}

/** WGSL that adds terms to a sum one by one, so that the result does not depend on their number per iteration. */
export function added(
  sum: string,
  terms: number,
  x: (term: number) => string,
  weight: (term: number) => string,
): string {
  let value = sum;
  for (let t = 0; t < terms; t++) value = `fma(${x(t)}, ${weight(t)}, ${value})`;
  return `${sum} = ${value};`;
}

/**
 * WGSL `xOne(i)` and `weightOne(i)`: number i of the buffer. `xFour(i)` and `weightFour(i)`: element i of a buffer with four
 * numbers per element, otherwise the four numbers from number i on. A quantised weight has `quantizedReaders` instead.
 */
export function readers(kind: WeightKind, fourX: boolean, fourWeights = fourX): string {
  const four = (name: string) =>
    `fn ${name}Four(i: u32) -> vec4<f32> {
  return vec4<f32>(${name}One(i), ${name}One(i + 1u), ${name}One(i + 2u), ${name}One(i + 3u));
}`;
  return /* wgsl */ `
fn xOne(i: u32) -> f32 { return ${fourX ? "x[i / 4u][i % 4u]" : "x[i]"}; }
${fourX ? "fn xFour(i: u32) -> vec4<f32> { return x[i]; }" : four("x")}
${
  isQuantizedKind(kind)
    ? quantizedReaders(kind)
    : `${fourWeights ? weight4(kind) : weightAt(kind)}
fn weightOne(i: u32) -> f32 { return ${fourWeights ? "weight4(i / 4u)[i % 4u]" : "weightAt(i)"}; }
${fourWeights ? "fn weightFour(i: u32) -> vec4<f32> { return weight4(i); }" : four("weight")}`
}`;
}
