import { formats, type QuantizedDType } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { codecs } from "./codecs.ts";

/**
 * Converts blocks to float32: the exact value of the type's formula, rounded once where it does not fit.
 *
 * @param to receives the values; one per element. Default: a new array
 * @throws KernelError `ARGUMENT` when `blocks` or `to` has another length
 */
export function dequantize(blocks: Uint8Array, dtype: QuantizedDType, to?: Float32Array): Float32Array {
  const { blockBytes, blockElements } = formats[dtype];
  if (blocks.length % blockBytes !== 0) {
    const found = `got ${blocks.length} bytes`;
    throw new KernelError("ARGUMENT", `dequantize: a block of ${dtype} has ${blockBytes} bytes, ${found}`);
  }
  const count = (blocks.length / blockBytes) * blockElements;
  const values = to ?? new Float32Array(count);
  if (values.length !== count) {
    throw new KernelError("ARGUMENT", `dequantize: to must have ${count} elements, got ${values.length}`);
  }
  codecs[dtype].dequantize(blocks, values);
  return values;
}
