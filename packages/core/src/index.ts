export * from "./adapters/lora.ts";
export { checkMergeable, mergeAdapter, mergedWeight, type MergeOptions } from "./adapters/mergeAdapter.ts";
export { didYouMean, nearestName } from "./didYouMean.ts";
export * from "./errors.ts";
export { byteTokenizer, type ByteTokenizer } from "./generation/byteTokenizer.ts";
export type { CheckpointOptions } from "./generation/checkpoints.ts";
export { Decoder, type DecoderConfig, type DecoderStep, type SequenceFailure } from "./generation/decoder.ts";
export type { GenerationInput, Prompt } from "./generation/fixedSet.ts";
export { generate, type GeneratedToken } from "./generation/generate.ts";
export { GenerationState, type SeedOptions } from "./generation/generationState.ts";
export { checkGenerateOptions } from "./generation/options.ts";
export type {
  AllowedIds,
  GenerateOptions,
  PrefillOptions,
  SequenceOptions,
  TokenContext,
} from "./generation/options.ts";
export { prefill } from "./generation/prefill.ts";
export { redecoding } from "./generation/redecoding.ts";
export { TextStream, type TextStreamOptions } from "./generation/textStream.ts";
export type {
  ChosenToken,
  DecoderSequence,
  SequenceToken,
  TokenLogProb,
} from "./generation/runningSequence.ts";
export { freshSeed } from "./generation/seed.ts";
export type {
  DecodeOptions,
  TokenDecoderOptions,
  EncodeOptions,
  TextRange,
  TokenDecoder,
  Tokenizer,
} from "./generation/tokenizer.ts";
export { Utf8Decoder } from "./generation/utf8.ts";
export { yieldToEventLoop } from "./generation/yieldToEventLoop.ts";
export * from "./layers/attention.ts";
export * from "./layers/bidirectionalMamba.ts";
export { withDropout } from "./layers/dropout.ts";
export { Embedding } from "./layers/embedding.ts";
export { type AnyLinear, ExpertLinear } from "./layers/expertLinear.ts";
export { experts, Experts, expertsParameters } from "./layers/experts.ts";
export { type ExpertsConfig, type ExpertsConfigInput, resolveExpertsConfig } from "./layers/expertsConfig.ts";
export { layerParameters, type LayerShape, type LayerSpec, layerState } from "./layers/layer.ts";
export * from "./layers/linear.ts";
export { mamba, MambaBlock, mambaLinears, mambaParameters } from "./layers/mamba.ts";
export { mamba2, Mamba2Block, mamba2Parameters } from "./layers/mamba2.ts";
export {
  type Mamba2Config,
  type Mamba2ConfigInput,
  type Mamba2Scales,
  resolveMamba2Config,
} from "./layers/mamba2Config.ts";
export { mamba3, Mamba3Block, mamba3Parameters } from "./layers/mamba3.ts";
export { type Mamba3Config, type Mamba3ConfigInput, resolveMamba3Config } from "./layers/mamba3Config.ts";
export {
  type MambaConfig,
  type MambaConfigInput,
  parametrization,
  type Parametrization,
  resolveConfig,
} from "./layers/mambaConfig.ts";
export {
  type Activation,
  mlp,
  Mlp,
  type MlpConfig,
  type MlpConfigInput,
  mlpParameters,
  resolveMlpConfig,
} from "./layers/mlp.ts";
export * from "./layers/module.ts";
export type { ModuleConfigInput, StartConfig } from "./layers/moduleConfig.ts";
export { Positions, type RotaryAngles } from "./layers/positions.ts";
export { type NormSpec, RMSNorm } from "./layers/rmsNorm.ts";
export { type Range, Sequences } from "./layers/sequences.ts";
export * from "./layers/stack.ts";
export { bidirectionalStack } from "./model/bidirectionalStack.ts";
export * from "./model/config.ts";
export * from "./model/mambaLM.ts";
export { Model } from "./model/model.ts";
export type { ImagesData, ModelData, SeriesData } from "./model/modelData.ts";
export {
  resolveSequenceConfig,
  type SequenceConfig,
  type SequenceConfigInput,
  type SequenceInput,
} from "./model/sequence/config.ts";
export * from "./model/sequence/forecast.ts";
export * from "./model/sequence/sequenceModel.ts";
export { sequenceSpecs, sequenceStack } from "./model/sequence/specs.ts";
export { mambaStack, parameterSpecs, stackOf } from "./model/specs.ts";
export type { ModelInput, TrainableModel, TrainingRunOptions } from "./model/trainableModel.ts";
export {
  classPosition,
  patchGrid,
  resolveVisionConfig,
  type VisionConfig,
  type VisionConfigInput,
} from "./model/vision/config.ts";
export type { Interpolation } from "./model/vision/interpolateGrid.ts";
export { visionSpecs, visionStack } from "./model/vision/specs.ts";
export * from "./model/vision/visionMamba.ts";
export type { AttentionCache, AttentionOptions } from "./ops/attention.ts";
export type { CausalConv1dArgs } from "./ops/causalConv1d.ts";
export type { CustomBackward, CustomForward } from "./ops/custom.ts";
export type { DropoutOptions } from "./ops/dropout.ts";
export type { HuberOptions } from "./ops/huber.ts";
export type { LayerNormOptions } from "./ops/layerNorm.ts";
export type { QuantileOptions } from "./ops/quantileLoss.ts";
export type { Routing } from "./ops/routeExperts.ts";
export { DerivedTensors } from "./ops/run/derivedTensors.ts";
export type { ElementLossOptions } from "./ops/run/elementLoss.ts";
export { EagerOps, type EagerOptions } from "./ops/run/eagerOps.ts";
export { Gradients } from "./ops/run/gradients.ts";
export type { ConstantData, LossGradient } from "./ops/run/opRun.ts";
export type { OpMethods, Ops, UnaryOp } from "./ops/run/ops.ts";
export { Tape, type TapeOptions } from "./ops/run/tape.ts";
export { watchOps, type WatchedCall, type WatchedOp } from "./ops/run/watchOps.ts";
export type { SelectiveScanArgs } from "./ops/selectiveScan.ts";
export type { SsdScanArgs } from "./ops/ssdScan.ts";
export * from "./parameters/groups.ts";
export { initialValues, type InitOptions } from "./parameters/initialValues.ts";
export {
  checkParameters,
  hiddenMatrix,
  parameter,
  type Init,
  type ParameterSpec,
  type Parameters,
  smallParameter,
} from "./parameters/spec.ts";
export { hash, uniformAt } from "./random.ts";
export { modelFingerprint } from "./state/fingerprint.ts";
export { loadState, loadStates, openSavedStates, type SavedStates } from "./state/loadState.ts";
export { saveState, saveStates, type SaveStateOptions } from "./state/savedState.ts";
export { stateBytes, type StateBytesOptions } from "./state/stateBytes.ts";
export { StackState, type StateOptions } from "./state/stackState.ts";
