// The exports of the module: one line for each op file. See records.ts for what an op file exports.

export * from "./accumulate";
export * from "./adamwStep";
export * from "./add";
export * from "./argmax";
export * from "./attention";
export * from "./attentionBackward";
export * from "./causalConv1d";
export * from "./causalConv1dBackward";
export * from "./causalConv1dStep";
export * from "./combineExperts";
export * from "./combineExpertsBackward";
export * from "./crossEntropy";
export * from "./div";
export * from "./dropout";
export * from "./elementLoss";
export * from "./embedding";
export * from "./embeddingBackward";
export * from "./exp";
export * from "./expertLinear";
export * from "./expertLinearBackwardInput";
export * from "./expertLinearBackwardWeight";
export * from "./flip";
export * from "./gelu";
export * from "./geluBackward";
export * from "./layerNorm";
export * from "./layerNormBackward";
export * from "./linear";
export * from "./linearBackwardInput";
export * from "./linearBackwardWeight";
export * from "./log";
export * from "./maxPositions";
export * from "./maxPositionsBackward";
export * from "./meanPositions";
export * from "./meanPositionsBackward";
export * from "./mul";
export * from "./narrow";
export * from "./negExp";
export * from "./packHalves";
export * from "./rmsNorm";
export * from "./rmsNormBackward";
export * from "./rotary";
export * from "./rotaryBackwardAngles";
export * from "./routeExperts";
export * from "./routeExpertsBackward";
export * from "./sample";
export * from "./scale";
export * from "./selectiveScan";
export * from "./selectiveScanBackward";
export * from "./selectiveStateUpdate";
export * from "./sigmoid";
export * from "./sigmoidBackward";
export * from "./silu";
export * from "./siluBackward";
export * from "./softmax";
export * from "./softmaxBackward";
export * from "./sqrt";
export * from "./sub";
export * from "./sumOfSquares";
export * from "./sumRows";
export * from "./tanh";
export * from "./tanhBackward";

export * from "./quantized/expertLinearQuantized";
export * from "./quantized/linearQuantized";
export * from "./quantized/quantizeExpertRows";
export * from "./quantized/quantizeRows";
export * from "./quantized/repack";

// The probes of `measureCeilings`.
export * from "./madProbe";
export * from "./readProbe";

export { fault, faulted, pending, post, reload, stop, work } from "./jobs";
export { copyRows, fillZero, heapBase } from "./memory";

// Constants and records that the host uses beside the argument records.
export { BF16, F16, F16_PACKED, F32, IQ4_NL, Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K, Q6_K, Q8_0 } from "./records";
export { CHANNELS as SCAN_CHANNELS, SAVED_STEPS as SCAN_SAVED_STEPS } from "./scanInputs";
export { CHUNK as ELEMENTWISE_CHUNK } from "./elementwise";
export { UNIT_ROWS as LAYER_NORM_UNIT_ROWS } from "./layerNormBackward";
export { BINARY_CROSS_ENTROPY, HUBER, QUANTILE, SQUARED_ERROR } from "./lossLanes";
export { SIGMOID, SOFTMAX, TOP_SOFTMAX } from "./routeScoring";
export { CHUNK_ELEMENTS as TABLE_CHUNK_ELEMENTS, TensorEntry } from "./tensorTable";
