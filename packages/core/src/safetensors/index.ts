// The safetensors format: header checks, reading and writing. Works on bytes and byte ranges, on every platform.
export { type ByteSource, bytesSource, fill, readExactly } from "./byteSource.ts";
export { checksumKey } from "./checksum.ts";
export { type SafetensorsDType, toKernelDType, toSafetensorsDType } from "./dtypes.ts";
export { SafetensorsError, type SafetensorsErrorCode, show } from "./errors.ts";
export { headerCap, type SafetensorsHeader, type TensorInfo } from "./header.ts";
export { isObject, type Json, type JsonObject, parseJsonObject } from "./json.ts";
export { type ByteRange, openSafetensors, type OpenOptions, type SafetensorsFile } from "./reader.ts";
export {
  type ChunkedTensorToWrite,
  type PatchedChunks,
  safetensorsChunks,
  safetensorsFile,
  type TensorToWrite,
} from "./writer.ts";
