// Loaded when a model has quantised weights, so that programs without any do not carry the quantisers.
export { matrixTypeFor } from "../gguf/policy.ts";
export { checkBlocks, dequantize, quantize } from "@mamba/kernel/quantize";
