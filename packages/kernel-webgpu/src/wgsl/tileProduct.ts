import { lines } from "./lines.ts";

// WGSL of products of tiles: a workgroup computes 64 by 64 sums of products. Each of its 64 invocations has 8 by 8 of them, in an
// array of 16 vec4<f32>: see `eachSum`. The terms of a sum are added one by one, in order.
//
// On a GPU both factors are copied to workgroup memory, 16 terms at a time. A software adapter suspends every invocation at a
// barrier, so there each invocation reads the factors itself.

const rows = 8;
const vectors = 2;

/** WGSL of the row of the tile with number `r` of 8, itself WGSL, among those of the invocation. */
export const tileRow = (r: string): string => `(ownRow + 8u * ${r})`;

/** The name of a shader that exists for GPUs and for software adapters. */
export const tileShaderName = (name: string, parallel: boolean): string =>
  parallel ? `${name}, shared tiles` : name;

/** One factor of a product. */
interface Factor {
  /** `along`: the terms of a row or column are neighbours in memory. `across`: the rows or columns are. */
  readonly layout: "along" | "across";
  /** WGSL of term `k` of row or column `at`. It may be past the last row or column, if the product has no `rows` or `columns`. */
  readonly value: (at: string, k: string) => string;
  /** WGSL of four neighbours at once, the first of them at a multiple of four: terms of `at`, or columns of term `k`. Optional. */
  readonly four?: ((at: string, k: string) => string) | undefined;
}

/** A left factor of 64 terms in sums of the invocations, for GPUs only: column k of a row is term k. `noTerm` marks terms that are not added. */
interface HeldFactor {
  readonly held: string;
}

/** WGSL that marks a held term, by the lowest finite number, and `isTerm(x)`, which is false for it. */
export const heldTerms = /* wgsl */ `
const noTerm = -0x1.fffffep+127f;
fn isTerm(x: f32) -> bool { return bitcast<u32>(x) != 0xff7fffffu; }`;

interface TileProduct {
  /** The name of the sums. */
  readonly sums: string;
  /** WGSL of the number of terms, uniform in the workgroup. */
  readonly terms: string;
  readonly left: Factor | HeldFactor;
  readonly right: Factor;
  /** WGSL of the number of rows and columns that count. Few others are computed. */
  readonly rows: string;
  readonly columns: string;
  /**
   * WGSL of the first and the last term of a row, as vec2<u32>. Other terms are not added, not even as zeros: their right factor may
   * be NaN. Default: all terms.
   */
  readonly range?: (at: string) => string;
}

/** WGSL that works on the sums of an invocation. */
export interface TileCode {
  /** Declares the workgroup memory: 9.25 of the 16 KiB that WebGPU guarantees. */
  readonly memory: string;
  /** Declares the place of the invocation in the tile. */
  readonly place: string;
  /** Declares sums, which begin at 0. */
  readonly zeroSums: (sums: string) => string;
  /** WGSL for each row of the invocation; `r` is its number. */
  readonly eachRow: (code: (r: string) => string) => string;
  /** WGSL for the sums of row `r`: `sum` is four of them, in the columns from `column` on. */
  readonly eachSum: (sums: string, r: string, code: (sum: string, column: string) => string) => string;
  /** WGSL statements that add a product to the sums. All invocations of the workgroup execute them. */
  readonly product: (product: TileProduct) => string;
}

const zeroSums: TileCode["zeroSums"] = (sums) => `var ${sums}: array<vec4<f32>, ${rows * vectors}>;`;

const eachSum: TileCode["eachSum"] = (sums, r, code) =>
  lines(vectors, (v) => code(`${sums}[${vectors}u * ${r} + ${v}u]`, `(ownColumn + ${32 * v}u)`));

/** For GPUs: loops over rows are unrolled, so that the sums are in registers. */
const sharedTiles: TileCode = {
  memory: /* wgsl */ `
// Rows of a tile are padded, so that neighbouring invocations use different memory banks.
const leftPitch = 5u;
const rightPitch = 17u;
var<workgroup> leftTile: array<vec4<f32>, 64u * leftPitch>;
var<workgroup> rightTile: array<vec4<f32>, 16u * rightPitch>;`,
  place: /* wgsl */ `
  let ownRow = lane / 8u;
  let ownColumn = lane % 8u * 4u;`,
  zeroSums,
  eachRow: (code) => lines(rows, (r) => code(`${r}u`)),
  eachSum,
  product: sharedProduct,
};

/** For software adapters: loops, because unrolled code takes seconds to compile. */
const ownTiles: TileCode = {
  memory: "",
  // Neighbours, which compute at the same time, have the same columns.
  place: /* wgsl */ `
  let ownRow = lane % 8u;
  let ownColumn = lane / 8u * 4u;`,
  zeroSums,
  eachRow: (code) => `for (var r = 0u; r < ${rows}u; r++) { ${code("r")} }`,
  eachSum,
  product: ownProduct,
};

/** @param parallel true for a GPU */
export function tileCode(parallel: boolean): TileCode {
  return parallel ? sharedTiles : ownTiles;
}

const fourColumns = ({ layout, value, four }: Factor, first: string, k: string): string =>
  four && layout === "across"
    ? four(`(${first})`, k)
    : `vec4<f32>(${[0, 1, 2, 3].map((c) => value(`(${first} + ${c}u)`, k)).join(", ")})`;

/** WGSL that copies 16 terms of the right factor. */
function copyRight(right: Factor, terms: string): string {
  const { layout, four } = right;
  if (four && layout === "along") {
    // Each invocation reads four terms of four columns.
    const read = lines(4, (c) => `let tileColumn${c} = ${four(`(4u * (lane / 4u) + ${c}u)`, "tileK")};`);
    const place = (t: number) => `rightTile[(lane % 4u * 4u + ${t}u) * rightPitch + lane / 4u]`;
    const numbers = (t: number) => [0, 1, 2, 3].map((c) => `tileColumn${c}[${t}]`).join(", ");
    return /* wgsl */ `
    {
      let tileK = tileStart + lane % 4u * 4u;
      if (tileK < ${terms}) {
        ${read}
        ${lines(4, (t) => `${place(t)} = vec4<f32>(${numbers(t)});`)}
      } else {
        ${lines(4, (t) => `${place(t)} = vec4<f32>(0.0);`)}
      }
    }`;
  }
  const [column, term] =
    layout === "along" ? ["tilePlace / 16u", "tilePlace % 16u"] : ["tilePlace % 16u", "tilePlace / 16u"];
  return /* wgsl */ `
    for (var tilePlace = lane; tilePlace < 256u; tilePlace += workgroupSize) {
      let tileColumn = ${column};
      let tileTerm = ${term};
      let tileK = tileStart + tileTerm;
      var tileFour = vec4<f32>(0.0);
      if (tileK < ${terms}) { tileFour = ${fourColumns(right, "4u * tileColumn", "tileK")}; }
      rightTile[tileTerm * rightPitch + tileColumn] = tileFour;
    }`;
}

function sharedProduct({ sums, terms, left, right, rows: rowCount, range }: TileProduct): string {
  const addTerm = (r: string, t: number) =>
    lines(vectors, (v) => {
      const sum = `${sums}[${vectors}u * ${r} + ${v}u]`;
      return `${sum} = fma(vec4<f32>(a[${t}]), b${t}_${v}, ${sum});`;
    });
  const addRow = (r: string) => {
    const all = lines(4, (t) => addTerm(r, t));
    const own = `tileRanges[${r}]`;
    const inRange = (t: number) => `tileK + ${t}u >= ${own}.x && tileK + ${t}u <= ${own}.y`;
    const some = lines(4, (t) => `if (${inRange(t)}) { ${addTerm(r, t)} }`);
    const held = lines(4, (t) => `if (isTerm(a[${t}])) { ${addTerm(r, t)} }`);
    const inAll = "held" in left ? held : all;
    const added = range
      ? `if (tileK >= ${own}.x && tileK + 3u <= ${own}.y) {
    ${all}
    } else if (tileK + 3u >= ${own}.x && tileK <= ${own}.y) {
    ${some}
    }`
      : inAll;
    return `if (8u * ${r} < ${rowCount}) { let a = leftTile[${tileRow(r)} * leftPitch + i];
    ${added} }`;
  };
  return /* wgsl */ `
  {
  ${range ? `var tileRanges: array<vec2<u32>, ${rows}>;\n${sharedTiles.eachRow((r) => `tileRanges[${r}] = ${range(tileRow(r))};`)}` : ""}
  for (var tileStart = 0u; tileStart < ${terms}; tileStart += 16u) {
    workgroupBarrier();
    ${"held" in left ? copyHeld(left.held) : copyLeft(left, terms, range)}
    ${copyRight(right, terms)}
    workgroupBarrier();
    let tileSteps = min(4u, (${terms} - tileStart + 3u) / 4u);
    for (var i = 0u; i < tileSteps; i++) {
      let tileK = tileStart + 4u * i;
      ${lines(4, (t) => lines(vectors, (v) => `let b${t}_${v} = rightTile[(4u * i + ${t}u) * rightPitch + lane % 8u + ${8 * v}u];`))}
      ${sharedTiles.eachRow(addRow)}
    }
  }
  }`;
}

/** WGSL that copies 16 terms of the left factor. */
function copyLeft({ layout, value }: Factor, terms: string, range: TileProduct["range"]): string {
  const [row, term] =
    layout === "along" ? ["tilePlace / 4u", "tilePlace % 4u"] : ["tilePlace % 64u", "tilePlace / 64u"];
  const isTerm = range
    ? `tileK < ${terms} && tileK >= tileRange.x && tileK <= tileRange.y`
    : `tileK < ${terms}`;
  return /* wgsl */ `
    for (var tilePlace = lane; tilePlace < 256u; tilePlace += workgroupSize) {
      let tileAt = ${row};
      let tileTerm = ${term};
      ${range ? `let tileRange = ${range("tileAt")};` : ""}
      var tileFour = vec4<f32>(0.0);
      for (var t = 0u; t < 4u; t++) {
        let tileK = tileStart + 4u * tileTerm + t;
        if (${isTerm}) { tileFour[t] = ${value("tileAt", "tileK")}; }
      }
      leftTile[tileAt * leftPitch + tileTerm] = tileFour;
    }`;
}

/** The same for sums: the invocations that hold the columns of these terms copy them. */
function copyHeld(held: string): string {
  const copy = (v: number) =>
    lines(
      rows,
      (r) => `leftTile[${tileRow(`${r}u`)} * leftPitch + lane % 4u] = ${held}[${vectors * r + v}u];`,
    );
  return /* wgsl */ `
    if (lane / 4u % 2u == tileStart / 16u % 2u) {
      if (tileStart < 32u) {
      ${copy(0)}
      } else {
      ${copy(1)}
      }
    }`;
}

function ownProduct({ sums, terms, left, right, rows: rowCount, columns, range }: TileProduct): string {
  if ("held" in left) throw new Error("a product of sums is for GPUs only");
  return /* wgsl */ `
  for (var tileHalf = 0u; tileHalf < ${vectors}u; tileHalf++) {
    let tileColumn = ownColumn + 32u * tileHalf;
    if (tileColumn < ${columns}) {
      for (var tileK = 0u; tileK < ${terms}; tileK++) {
        let tileFour = ${fourColumns(right, "tileColumn", "tileK")};
        for (var r = 0u; r < ${rows}u; r++) {
          let tileAt = ${tileRow("r")};
          if (tileAt >= ${rowCount}) { break; }
          ${range ? `let tileRange = ${range("tileAt")};\n          if (tileK < tileRange.x || tileK > tileRange.y) { continue; }` : ""}
          let tilePlace = ${vectors}u * r + tileHalf;
          ${sums}[tilePlace] = fma(vec4<f32>(${left.value("tileAt", "tileK")}), tileFour, ${sums}[tilePlace]);
        }
      }
    }
  }`;
}
