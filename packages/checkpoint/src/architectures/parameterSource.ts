import type { ParameterSpec } from "@mamba/core";
import { elementCount, lastExtent, type Shape } from "@mamba/kernel";

/**
 * A tensor of a file, or a range of its rows, that holds consecutive rows of a parameter. A row is what the last axis holds, and a
 * single element of a vector: [E, O, I] has E·O rows. So every range is contiguous in the file and in the parameter.
 */
export interface TensorRows {
  /** Names of the tensor. The first is written, all are read. */
  readonly names: readonly [string, ...string[]];
  /** Shapes that a file may give the whole tensor. The first is written, all are read. */
  readonly shapes: readonly [Shape, ...Shape[]];
  /** Rows [start, end) of the tensor. Default: all. */
  readonly rows?: readonly [start: number, end: number];
  /**
   * The parameter's values are the file's times this; saving divides by it. Default 1. A power of two is exact, so that
   * a file that was loaded and saved is unchanged; any other factor is rounded twice.
   */
  readonly factor?: number;
  /** "negExp" when the file holds -exp(x) for each value x of the parameter. Default: the values themselves. */
  readonly stores?: "negExp";
  /** Element i of each row of the parameter is element `order[i]` of the row in the file. Default: the same. */
  readonly order?: Int32Array;
  /** Row i of each group of `rowOrder.length` rows of the parameter is row `rowOrder[i]` of the group in the file. Default: the same. */
  readonly rowOrder?: Int32Array;
}

/** Elements of a row of a tensor. */
export function rowElements(shape: Shape): number {
  return shape.length === 1 ? 1 : lastExtent(shape);
}

/** Elements of the rows that a chunk takes from its tensor. */
export function chunkElements({ shapes: [shape], rows }: TensorRows): number {
  if (rows === undefined) return elementCount(shape);
  const [start, end] = rows;
  return (end - start) * rowElements(shape);
}

/**
 * The place of one parameter in a file. One tensor per parameter is the usual case. Several chunks join tensors into one
 * parameter; chunks of several parameters that name the same tensor split it. Every row of a tensor belongs to exactly one
 * parameter, so the table can be read in both directions.
 */
export interface ParameterSource {
  readonly spec: ParameterSpec;
  /** In the order of the parameter's rows. */
  readonly chunks: readonly [TensorRows, ...TensorRows[]];
}

/** The source of a parameter that a file holds under its own name and shape. */
export function sameInFile(spec: ParameterSpec): ParameterSource {
  return { spec, chunks: [{ names: [spec.name], shapes: [spec.shape] }] };
}
