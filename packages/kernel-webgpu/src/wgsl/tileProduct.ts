import { grid, lines } from "./lines.ts";

// WGSL of products of tiles in workgroup memory, for shaders of 256 invocations: 64 by 64 sums of products. Invocation `lane` has the
// sums of the rows `ownRow + 16 r` and the four columns from `4 * ownColumn` on: `<sums>0` to `<sums>3`, of type vec4<f32>. The
// terms of a sum are added one by one, in order.

/** Declares the memory of the tiles: 9.25 of the 16 KiB that WebGPU guarantees. */
export const tileMemory = /* wgsl */ `
// Rows of a tile are padded, so that neighbouring invocations use different memory banks.
const leftPitch = 5u;
const rightPitch = 17u;
var<workgroup> leftTile: array<vec4<f32>, 64u * leftPitch>;
var<workgroup> rightTile: array<vec4<f32>, 16u * rightPitch>;`;

/** Declares `ownRow` and `ownColumn`. */
export const tilePlace = /* wgsl */ `
  let ownRow = lane / 16u;
  let ownColumn = lane % 16u;`;

/** One factor of a product. */
interface Factor {
  /** `along`: the terms of a row or column are neighbours in memory. `across`: the rows or columns are. */
  readonly layout: "along" | "across";
  /** WGSL of term `k` of row or column `at`. Both may be past the last row or column, which the caller limits. */
  readonly value: (at: string, k: string) => string;
}

interface TileProduct {
  /** The prefix of the four variables that hold the sums. */
  readonly sums: string;
  /** WGSL of the number of terms, uniform in the workgroup. */
  readonly terms: string;
  readonly left: Factor;
  readonly right: Factor;
  /**
   * True when row r has terms `low<r>` to `high<r>` only, both included. The other terms are not added, not even as zeros: their
   * right factor may be NaN.
   */
  readonly ranges?: boolean;
}

/** Declares the sums, which begin at 0. */
export const zeroSums = (sums: string): string => lines(4, (r) => `var ${sums}${r} = vec4<f32>(0.0);`);

/** WGSL statements that add a product to the sums. All invocations of the workgroup execute them. */
export function tileProduct({ sums, terms, left, right, ranges = false }: TileProduct): string {
  const [row, term] = left.layout === "along" ? ["lane / 4u", "lane % 4u"] : ["lane % 64u", "lane / 64u"];
  const [column, k] = right.layout === "along" ? ["lane / 16u", "lane % 16u"] : ["lane % 16u", "lane / 16u"];
  const add = (r: number, t: number) => `${sums}${r} = fma(vec4<f32>(a[${t}]), b${t}, ${sums}${r});`;
  const inRange = (r: number, k: string) => `${k} >= low${r} && ${k} <= high${r}`;
  const addRow = (r: number) => {
    const all = lines(4, (t) => add(r, t));
    const some = lines(4, (t) => `if (${inRange(r, `k + ${t}u`)}) { ${add(r, t)} }`);
    const added = ranges
      ? `if (k >= low${r} && k + 3u <= high${r}) {
    ${all}
    } else if (k + 3u >= low${r} && k <= high${r}) {
    ${some}
    }`
      : all;
    return `{ let a = leftTile[(ownRow + ${16 * r}u) * leftPitch + i];
    ${added} }`;
  };
  return /* wgsl */ `
  for (var start = 0u; start < ${terms}; start += 16u) {
    workgroupBarrier();
    {
      let tileRow = ${row};
      let tileTerm = ${term};
      var four = vec4<f32>(0.0);
      for (var t = 0u; t < 4u; t++) {
        let k = start + 4u * tileTerm + t;
        if (k < ${terms}) { four[t] = ${left.value("tileRow", "k")}; }
      }
      leftTile[tileRow * leftPitch + tileTerm] = four;
    }
    {
      let tileColumn = ${column};
      let tileTerm = ${k};
      let k = start + tileTerm;
      var four = vec4<f32>(0.0);
      if (k < ${terms}) {
        four = vec4<f32>(${grid(1, 4, (_, c) => `${right.value(`(4u * tileColumn + ${c}u)`, "k")}${c < 3 ? "," : ""}`)});
      }
      rightTile[tileTerm * rightPitch + tileColumn] = four;
    }
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      let k = start + 4u * i;
      ${lines(4, (t) => `let b${t} = rightTile[(4u * i + ${t}u) * rightPitch + ownColumn];`)}
      ${lines(4, addRow)}
    }
  }`;
}
