// Conversions between float32 and ggml's quantised types on the host: the entry `@mamba/kernel/quantize`.

export { checkBlocks } from "./quantize/checkBlocks.ts";
export { dequantize } from "./quantize/dequantize.ts";
export { fallbackType } from "./quantize/fallbackType.ts";
export { quantize } from "./quantize/quantize.ts";
