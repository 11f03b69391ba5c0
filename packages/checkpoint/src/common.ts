// What both entries export: the part that needs neither Node nor a browser.
export { adapterConfig, parseAdapterConfig } from "./adapter/config.ts";
export type { AdapterLoadOptions } from "./adapter/load.ts";
export { parseConfig, type ConfigFormat, type ParsedConfig, type TensorShapes } from "./config.ts";
export { hubConfig } from "./config-write.ts";
export { CheckpointError, type CheckpointErrorCode } from "./errors.ts";
export type { CheckpointSummary, LoadedCheckpoint, LoadOptions, Progress } from "./load.ts";
export type { SafetensorsDType, SafetensorsHeader, TensorInfo } from "./safetensors/header.ts";
export type { SafetensorsFile } from "./safetensors/reader.ts";
export { safetensorsPieces, type TensorToWrite } from "./safetensors/writer.ts";
export { bytesSource, streamSource, type ByteSource, type CheckpointFiles } from "./source.ts";
export { byteTokenizer, parseTokenizer, type FileTokenizer, type TokenizerKind } from "./tokenizer.ts";
export type { LocatedTensor } from "./weights.ts";
