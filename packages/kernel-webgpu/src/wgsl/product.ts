import type { Shader } from "../shader.ts";
import { weight4, weightAt, weightElement, type WeightKind } from "./weights.ts";

// What the shaders of matrix products have in common. y[r, c] is the sum over k of the numbers k of x for row r and of the
// weight for column c. The three products of a linear layer differ in where those numbers lie.

/** Numbers of one sum lie `along` a row of the tensor, or `across`: each in the next row. */
export type Layout = "along" | "across";

interface Form {
  readonly x: Layout;
  readonly weight: Layout;
  /**
   * `continued`: the sum goes on from what y holds, term by term, so that it does not matter where a piece of the weight ends.
   * `blocks`: 256 terms are added up, and those sums then; it keeps the rounding errors of a sum over all positions small.
   */
  readonly sum: "plain" | "continued" | "blocks";
}

/** The products of a linear layer. */
export const forms = {
  /** y = x · weightᵀ + bias */
  forward: { x: "along", weight: "along", sum: "plain" },
  /** dx = dy · weight: dy in the place of x */
  "backward input": { x: "along", weight: "across", sum: "continued" },
  /** dWeight = dyᵀ · x: dy in the place of x, and x in that of the weight */
  "backward weight": { x: "across", weight: "across", sum: "blocks" },
} as const satisfies Record<string, Form>;

export type FormName = keyof typeof forms;

/** What every product is told: it makes the columns [first, first + columns) of y. */
export const productParams = {
  ...({ rows: "u32", columns: "u32", depth: "u32", first: "u32" } as const),
  /** Numbers to a row of y. */
  width: "u32",
  /** Workgroups above each other. */
  tiles: "u32",
  /** Numbers of x before the first. */
  skip: "u32",
  /** Whether the sums go on from what y holds. */
  more: "u32",
} as const;

export type ProductShader = Shader<"x" | "weight" | "bias", "y", keyof typeof productParams>;

/** `store(r, c, sum)`: a number of y, with its bias. Past the end nothing is stored. */
export const storeOutput = (form: FormName): string => {
  const withBias = "sum + select(0.0, bias[p.first + c], p.bias_stride != 0u)";
  return /* wgsl */ `
fn place(r: u32, c: u32) -> u32 { return p.y_at + r * p.width + p.first + c; }
// No early return: software adapters take long for those.
fn store(r: u32, c: u32, sum: f32) {
  if ((r < p.rows) & (c < p.columns)) { y[place(r, c)] = ${form === "forward" ? withBias : "sum"}; }
}`;
};

/** How a weight of a kind is bound, and `x` beside it: four numbers at a time where all rows start at a multiple of four. */
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

/** Lines of WGSL, one for each number below `count`. */
export const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n    ");

/** WGSL for each of so many rows and columns, a row to a line. */
export const grid = (rows: number, columns: number, code: (r: number, c: number) => string): string =>
  lines(rows, (r) => Array.from({ length: columns }, (_, c) => code(r, c)).join(" "));

/**
 * WGSL that makes `size` by `size` numbers of y.
 *
 * @param place the row and the column of each
 * @param terms adds the terms [start, end) to `s0_0`, `s0_1`, …, the sum of the first row and first column, and so on
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
  if (sum !== "blocks") {
    const held = grid(size, size, (r, c) => `s${r}_${c} = y[place(${place(r, c)})];`);
    return /* wgsl */ `
    ${zero("s")}
  ${sum === "continued" ? `if (p.more != 0u) {\n    ${held}\n  }` : ""}
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

/** WGSL that adds terms to a sum one after the other, so that it does not matter how many go at once. */
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
 * WGSL `xOne(i)` and `weightOne(i)`: number i of the buffers; `xFour(i)` and `weightFour(i)`: the i-th four numbers where the
 * buffer is bound four at a time, else the four from number i on.
 */
export function readers(kind: WeightKind, fourX: boolean, fourWeights = fourX): string {
  const four = (name: string) =>
    `fn ${name}Four(i: u32) -> vec4<f32> {
  return vec4<f32>(${name}One(i), ${name}One(i + 1u), ${name}One(i + 2u), ${name}One(i + 3u));
}`;
  return /* wgsl */ `
fn xOne(i: u32) -> f32 { return ${fourX ? "x[i / 4u][i % 4u]" : "x[i]"}; }
${fourX ? "fn xFour(i: u32) -> vec4<f32> { return x[i]; }" : four("x")}
${fourWeights ? weight4(kind) : weightAt(kind)}
fn weightOne(i: u32) -> f32 { return ${fourWeights ? "weight4(i / 4u)[i % 4u]" : "weightAt(i)"}; }
${fourWeights ? "fn weightFour(i: u32) -> vec4<f32> { return weight4(i); }" : four("weight")}`;
}

/** Shaders by what they are made for, each made when it is first asked for. */
export function lazily<A extends readonly (number | boolean | string)[], T>(
  make: (...args: A) => T,
): (...args: A) => T {
  const made = new Map<string, T>();
  return (...args) => {
    const key = args.join();
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(...args)));
    return value;
  };
}
