import { byteOffset, formats, type QuantizedDType } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { checkBlocks } from "./checkBlocks.ts";
import { codecs } from "./codecs.ts";

/**
 * Quantises whole rows of float32 values to the blocks of a storage type. For q8_0, q4_0, q4_1, q5_0 and q5_1 the bytes are those
 * of ggml's reference quantisers; the others search for scales like ggml and have an error as small, without its last bits.
 *
 * @param columns elements of a row: a multiple of the block of the type
 * @throws KernelError `SHAPE` when the rows are not whole blocks, `ARGUMENT` when `values` are not whole rows, hold NaN or an
 * infinity, or need a scale beyond f16
 */
export function quantize(values: Float32Array, dtype: QuantizedDType, columns: number): Uint8Array {
  const { blockElements } = formats[dtype];
  if (!Number.isSafeInteger(columns) || columns < 1 || columns % blockElements !== 0) {
    const message = `quantize: rows of ${dtype} must be multiples of ${blockElements} elements, got ${columns}`;
    throw new KernelError("SHAPE", message);
  }
  if (values.length % columns !== 0) {
    const found = `got ${values.length} elements`;
    throw new KernelError("ARGUMENT", `quantize: values must be whole rows of ${columns}, ${found}`);
  }
  if (!allFinite(values)) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    throw new KernelError(
      "ARGUMENT",
      `quantize: element ${at} is ${values[at]}, which no ${dtype} block holds`,
    );
  }
  const blocks = new Uint8Array(byteOffset(dtype, values.length));
  codecs[dtype].quantize(values, blocks);
  const bad = checkBlocks(blocks, dtype);
  if (bad !== -1) {
    const from = bad * blockElements;
    const range = `elements ${from} to ${from + blockElements}`;
    throw new KernelError("ARGUMENT", `quantize: ${range} need a scale beyond the range of f16 in ${dtype}`);
  }
  return blocks;
}

function allFinite(values: Float32Array): boolean {
  // 0 · x is NaN for NaN and infinities.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i]!;
  return sum === 0;
}
