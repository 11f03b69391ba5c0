import type { WeightDType } from "@mamba/kernel";
import type { BufferArgument } from "../commands/dispatcher.ts";
import type { Traits } from "../device/traits.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { isQuantizedKind, weightKindOf } from "../wgsl/weights.ts";
import { gemv, maxGemvRows } from "./gemv.ts";
import { registerTileShader } from "./registerTiles.ts";
import { sharedTileShader } from "./sharedTiles.ts";
import type { FormName, ProductShader } from "./wgsl.ts";

/** A product, see `forms`: rows [0, rows) and columns [first, first + columns) of `y`, whose rows have `width` numbers. */
interface Product {
  readonly x: WebGpuTensor;
  readonly weight: BufferArgument;
  readonly bias?: WebGpuTensor | undefined;
  readonly y: BufferArgument;
  readonly dtype: WeightDType;
  /** True when all rows of `x` and of a weight of a float type start at a multiple of four numbers. */
  readonly aligned: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly first: number;
  readonly width: number;
  /** Numbers of `x` before the first term. */
  readonly xStart: number;
  /** True when the sums continue those that `y` holds. */
  readonly continued: boolean;
}

/** Records a product, with the shader that suits its sizes and the device. */
export function runProduct(runtime: Runtime, op: string, form: FormName, product: Product): void {
  const { x, weight, bias, y, dtype, aligned, continued, ...sizes } = product;
  const { rows, columns, xStart } = sizes;
  const four = aligned && xStart % 4 === 0;
  const { shader, tileRows, tileColumns } = productShader(runtime.traits, form, dtype, four, rows);
  const rowTiles = Math.ceil(rows / tileRows);
  runtime.run(
    op,
    shader,
    { x, weight, bias, y },
    { ...sizes, rowTiles, continued: continued ? 1 : 0 },
    rowTiles * Math.ceil(columns / tileColumns),
  );
}

interface Choice {
  readonly shader: ProductShader;
  /** Rows per workgroup. */
  readonly tileRows: number;
  /** Columns per workgroup. */
  readonly tileColumns: number;
}

/** Selects the shader for a product with this many rows. */
export function productShader(
  traits: Traits,
  form: FormName,
  dtype: WeightDType,
  four: boolean,
  rows: number,
): Choice {
  const kind = weightKindOf(dtype, traits);
  // On a GPU these shaders sum in another order than the tiles. On a software adapter both sum term by term.
  const always = traits.parallel && traits.batchInvariant;
  if (form === "forward" && (rows <= maxGemvRows || always)) {
    const { shader, outputs } = gemv(traits, kind, four, rows);
    return { shader, tileRows: Math.min(rows, maxGemvRows), tileColumns: outputs };
  }
  if (traits.parallel) return { shader: sharedTileShader(form, kind, four), tileRows: 64, tileColumns: 64 };
  // A larger tile of a quantised weight takes several times as long to compile.
  const size = rows > 32 && !isQuantizedKind(kind) ? 8 : 4;
  return { shader: registerTileShader(form, kind, four, size), tileRows: 8 * size, tileColumns: 8 * size };
}

/** True when all rows of the tensors start at a multiple of four numbers. */
export function areAligned(...tensors: readonly WebGpuTensor[]): boolean {
  return tensors.every(({ offset, rowStride }) => offset % 4 === 0 && rowStride % 4 === 0);
}
