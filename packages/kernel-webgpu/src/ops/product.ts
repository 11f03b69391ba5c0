import type { FloatDType } from "@mamba/kernel";
import type { Bound } from "../dispatcher.ts";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "../tensor.ts";
import type { Traits } from "../traits.ts";
import type { FormName, ProductShader } from "../wgsl/product.ts";
import type { WeightKind } from "../wgsl/weights.ts";
import { gemv, gemvRows } from "./linearGemv.ts";
import { blockShader } from "./productBlocks.ts";
import { slabShader } from "./productSlabs.ts";

/** Rows [0, rows) and columns [first, first + columns) of `y`, whose rows have `width` numbers: see `forms`. */
interface Product {
  readonly x: WebGpuTensor;
  readonly weight: Bound;
  readonly bias?: WebGpuTensor | undefined;
  readonly y: Bound;
  readonly dtype: FloatDType;
  /** Whether all rows of `x` and the weight start at a multiple of four numbers. */
  readonly aligned: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly first: number;
  readonly width: number;
  /** Numbers of `x` before the first. */
  readonly skip: number;
  /** Whether the sums go on from what `y` holds. */
  readonly more: boolean;
}

/** Records a product on the shader that its sizes and the adapter ask for. */
export function runProduct(runtime: Runtime, op: string, form: FormName, product: Product): void {
  const { x, weight, bias, y, dtype, aligned, more, ...sizes } = product;
  const { rows, columns, skip } = sizes;
  const four = aligned && skip % 4 === 0;
  const { shader, rowTile, columnTile } = productShader(runtime.traits, form, dtype, four, rows);
  const tiles = Math.ceil(rows / rowTile);
  runtime.run(
    op,
    shader,
    { x, weight, bias, y },
    { ...sizes, tiles, more: more ? 1 : 0 },
    tiles * Math.ceil(columns / columnTile),
  );
}

interface Choice {
  readonly shader: ProductShader;
  /** Rows and columns to a workgroup. */
  readonly rowTile: number;
  readonly columnTile: number;
}

/** The shader for a product of so many rows. */
export function productShader(
  traits: Traits,
  form: FormName,
  dtype: FloatDType,
  four: boolean,
  rows: number,
): Choice {
  const kind: WeightKind = dtype === "f16" && traits.f16 ? "native f16" : dtype;
  if (form === "forward" && rows <= gemvRows) {
    const { shader, outputs } = gemv(traits, kind, four, rows);
    return { shader, rowTile: rows, columnTile: outputs };
  }
  if (traits.parallel) return { shader: slabShader(form, kind, four), rowTile: 64, columnTile: 64 };
  const block = rows > 32 ? 8 : 4;
  return { shader: blockShader(form, kind, four, block), rowTile: 8 * block, columnTile: 8 * block };
}

/** Whether all rows of these start at a multiple of four numbers. */
export function areAligned(...tensors: readonly WebGpuTensor[]): boolean {
  return tensors.every(({ offset, rowStride }) => offset % 4 === 0 && rowStride % 4 === 0);
}
