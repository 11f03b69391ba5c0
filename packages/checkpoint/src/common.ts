// Exports of both entries: the part that needs neither Node nor a browser.
export { adapterConfig } from "./adapter/config.ts";
export type { AdapterLoadOptions } from "./adapter/read.ts";
export type { StoredAs, TensorShapes } from "./architectures/architecture.ts";
export { type ConfigFormat, hubConfig, parseConfig, type ParsedConfig } from "./architectures/index.ts";
export { parseLayers } from "./architectures/hybrid/givenLayers.ts";
export { CheckpointError, type CheckpointErrorCode } from "./errors.ts";
export { type GgmlType } from "./formats/gguf/ggmlTypes.ts";
export type { GgufHeader, GgufTensor } from "./formats/gguf/header.ts";
export type {
  GgufArray,
  GgufBigType,
  GgufMetadata,
  GgufNumberType,
  GgufValue,
} from "./formats/gguf/metadata.ts";
export type { GgufFile } from "./formats/gguf/open.ts";
export { ggufChunks, type GgufContent, ggufSize, type GgufTensorToWrite } from "./formats/gguf/write.ts";
export type { StoredDType } from "./formats/storedTypes.ts";
export type { LocatedTensor, StoredTensor, WeightFile } from "./formats/weights.ts";
export { ggufTypeOf, ggufTypes, type GgufFileType } from "./gguf/policy.ts";
export { ggufContent, type GgufOptions } from "./gguf/save.ts";
export { hubTensors, type HubTensorOptions } from "./hubTensors.ts";
export type { StoredSizes } from "./parameters/space.ts";
export type { CheckpointFormat, CheckpointSummary, InspectOptions, LoadedCheckpoint } from "./load.ts";
export type {
  LoadedLanguageModel,
  LoadedModel,
  LoadedSequenceModel,
  LoadedVisionModel,
  ModelSummary,
} from "./models/loadModel.ts";
export type { ModelConfig, SavedModel } from "./models/modelConfig.ts";
export { modelFiles, type SaveModelOptions } from "./models/modelFiles.ts";
export type { LoadOptions } from "./parameters/load.ts";
export type { WeightOptions } from "./parameters/weightsToWrite.ts";
export type { WriteError } from "./parameters/errorMeter.ts";
export type { WrittenTensor } from "./parameters/write.ts";
export type { Progress } from "./sources/progress.ts";
export { blobFiles, type FileContents } from "./sources/blob.ts";
export type { CheckpointFiles } from "./sources/source.ts";
export { streamSource } from "./sources/stream.ts";
export { type GgufTokenizer, tokenizerFromGguf } from "./tokenizer/gguf/read.ts";
export { type GgufTokenizerOptions, tokenizerToGguf, type WrittenTokenizer } from "./tokenizer/gguf/write.ts";
export { type CheckpointTokenizer, parseTokenizer, type TokenizerKind } from "./tokenizer/parse.ts";
export type { FoundTokenizer } from "./tokenizer/read.ts";
export type { NamedToken, NamedTokens } from "./tokenizer/tokenizerConfig.ts";
// Types of this package's own functions.
export type {
  ByteSource,
  ChunkedTensorToWrite,
  SafetensorsDType,
  SafetensorsFile,
  SafetensorsHeader,
  TensorInfo,
  TensorToWrite,
} from "@mamba/core/safetensors";
