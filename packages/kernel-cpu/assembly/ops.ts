// The table of ops. The numbers are those of src/opcodes.ts.

import { accumulateRange, addRange, elementwiseUnits, flipRange, flipUnits, mulRange } from "./elementwise";
import { negExpRange, scaleRange, siluBackwardRange, siluRange } from "./elementwise";
import { linearRange, linearScratch, linearUnits } from "./linear";
import { rmsNormRange, rmsNormScratch, rmsNormUnits } from "./norm";
import { embeddingRange, embeddingScratch, embeddingUnits } from "./embedding";
import { causalConv1dRange, causalConv1dScratch, causalConv1dUnits } from "./conv";
import { causalConv1dStepRange, causalConv1dStepScratch, causalConv1dStepUnits } from "./conv";
import { selectiveScanRange, selectiveScanScratch, selectiveScanUnits } from "./scan";
import { selectiveStateUpdateRange, selectiveStateUpdateScratch, selectiveStateUpdateUnits } from "./update";
import { argmaxRange, argmaxUnits, penaltyUnits, repetitionPenaltyRange } from "./sampling";
import { sampleRange, sampleScratch, sampleUnits } from "./sampling";
import { productRange, productScratch, productUnits } from "./product";
import { reduceUnits, rmsNormBackwardWeightRange, sumRowsRange } from "./reduce";
import { rmsNormBackwardRange, rmsNormBackwardUnits } from "./norm-backward";
import { embeddingBackwardRange, embeddingBackwardUnits } from "./embedding-backward";
import { causalConv1dBackwardRange, causalConv1dBackwardScratch } from "./conv-backward";
import { causalConv1dBackwardUnits } from "./conv-backward";
import { selectiveScanBackwardRange, selectiveScanBackwardScratch } from "./scan-backward";
import { selectiveScanBackwardUnits } from "./scan-backward";
import { crossEntropyCountRange, crossEntropyMeanRange, crossEntropyRange } from "./loss";
import { crossEntropyScratch, crossEntropyUnits } from "./loss";
import { adamwStepRange, optimizerUnits, sumOfSquaresRange, sumOfSquaresTotalRange } from "./optimizer";
import { madProbeRange, madProbeScratch, madProbeUnits } from "./ceilings";
import { readProbeRange, readProbeScratch, readProbeUnits } from "./ceilings";

enum Op {
  add,
  mul,
  scale,
  silu,
  negExp,
  flip,
  linear,
  rmsNorm,
  embedding,
  causalConv1d,
  causalConv1dStep,
  selectiveScan,
  selectiveStateUpdate,
  argmax,
  sample,
  repetitionPenalty,
  readProbe,
  madProbe,
  siluBackward,
  accumulate,
  product,
  sumRows,
  rmsNormBackward,
  rmsNormBackwardWeight,
  embeddingBackward,
  causalConv1dBackward,
  selectiveScanBackward,
  crossEntropyCount,
  crossEntropy,
  crossEntropyMean,
  sumOfSquares,
  sumOfSquaresTotal,
  adamwStep,
}

/** How many independent units a call has. */
export function unitsOf(op: u32, args: usize): i32 {
  switch (op) {
    case Op.flip:
      return flipUnits(args);
    case Op.linear:
      return linearUnits(args);
    case Op.rmsNorm:
      return rmsNormUnits(args);
    case Op.embedding:
      return embeddingUnits(args);
    case Op.causalConv1d:
      return causalConv1dUnits(args);
    case Op.causalConv1dStep:
      return causalConv1dStepUnits(args);
    case Op.selectiveScan:
      return selectiveScanUnits(args);
    case Op.selectiveStateUpdate:
      return selectiveStateUpdateUnits(args);
    case Op.argmax:
      return argmaxUnits(args);
    case Op.sample:
      return sampleUnits(args);
    case Op.repetitionPenalty:
      return penaltyUnits(args);
    case Op.readProbe:
      return readProbeUnits(args);
    case Op.madProbe:
      return madProbeUnits(args);
    case Op.product:
      return productUnits(args);
    case Op.rmsNormBackward:
      return rmsNormBackwardUnits(args);
    case Op.sumRows:
    case Op.rmsNormBackwardWeight:
      return reduceUnits(args);
    case Op.embeddingBackward:
      return embeddingBackwardUnits(args);
    case Op.causalConv1dBackward:
      return causalConv1dBackwardUnits(args);
    case Op.selectiveScanBackward:
      return selectiveScanBackwardUnits(args);
    case Op.crossEntropy:
      return crossEntropyUnits(args);
    case Op.sumOfSquares:
    case Op.adamwStep:
      return optimizerUnits(args);
    case Op.crossEntropyCount:
    case Op.crossEntropyMean:
    case Op.sumOfSquaresTotal:
      return 1;
    default:
      return elementwiseUnits(args);
  }
}

/** Bytes of scratch that each thread needs. */
export function scratchOf(op: u32, args: usize): i32 {
  switch (op) {
    case Op.linear:
      return linearScratch(args);
    case Op.rmsNorm:
      return rmsNormScratch(args);
    case Op.embedding:
      return embeddingScratch(args);
    case Op.causalConv1d:
      return causalConv1dScratch(args);
    case Op.causalConv1dStep:
      return causalConv1dStepScratch(args);
    case Op.selectiveScan:
      return selectiveScanScratch(args);
    case Op.selectiveStateUpdate:
      return selectiveStateUpdateScratch(args);
    case Op.sample:
      return sampleScratch(args);
    case Op.readProbe:
      return readProbeScratch(args);
    case Op.madProbe:
      return madProbeScratch(args);
    case Op.product:
      return productScratch(args);
    case Op.causalConv1dBackward:
      return causalConv1dBackwardScratch(args);
    case Op.selectiveScanBackward:
      return selectiveScanBackwardScratch(args);
    case Op.crossEntropy:
      return crossEntropyScratch(args);
    default:
      return 0;
  }
}

/** Does the units [begin, end) of a call. */
export function execute(op: u32, args: usize, begin: i32, end: i32, scratch: usize): void {
  switch (op) {
    case Op.add:
      return addRange(args, begin, end);
    case Op.mul:
      return mulRange(args, begin, end);
    case Op.scale:
      return scaleRange(args, begin, end);
    case Op.silu:
      return siluRange(args, begin, end);
    case Op.negExp:
      return negExpRange(args, begin, end);
    case Op.flip:
      return flipRange(args, begin, end);
    case Op.linear:
      return linearRange(args, begin, end, scratch);
    case Op.rmsNorm:
      return rmsNormRange(args, begin, end, scratch);
    case Op.embedding:
      return embeddingRange(args, begin, end, scratch);
    case Op.causalConv1d:
      return causalConv1dRange(args, begin, end, scratch);
    case Op.causalConv1dStep:
      return causalConv1dStepRange(args, begin, end, scratch);
    case Op.selectiveScan:
      return selectiveScanRange(args, begin, end, scratch);
    case Op.selectiveStateUpdate:
      return selectiveStateUpdateRange(args, begin, end, scratch);
    case Op.argmax:
      return argmaxRange(args, begin, end);
    case Op.sample:
      return sampleRange(args, begin, end, scratch);
    case Op.repetitionPenalty:
      return repetitionPenaltyRange(args, begin, end);
    case Op.readProbe:
      return readProbeRange(args, begin, end, scratch);
    case Op.madProbe:
      return madProbeRange(args, begin, end, scratch);
    case Op.siluBackward:
      return siluBackwardRange(args, begin, end);
    case Op.accumulate:
      return accumulateRange(args, begin, end);
    case Op.product:
      return productRange(args, begin, end, scratch);
    case Op.sumRows:
      return sumRowsRange(args, begin, end);
    case Op.rmsNormBackward:
      return rmsNormBackwardRange(args, begin, end);
    case Op.rmsNormBackwardWeight:
      return rmsNormBackwardWeightRange(args, begin, end);
    case Op.embeddingBackward:
      return embeddingBackwardRange(args, begin, end);
    case Op.causalConv1dBackward:
      return causalConv1dBackwardRange(args, begin, end, scratch);
    case Op.selectiveScanBackward:
      return selectiveScanBackwardRange(args, begin, end, scratch);
    case Op.crossEntropyCount:
      return crossEntropyCountRange(args);
    case Op.crossEntropy:
      return crossEntropyRange(args, begin, end, scratch);
    case Op.crossEntropyMean:
      return crossEntropyMeanRange(args);
    case Op.sumOfSquares:
      return sumOfSquaresRange(args, begin, end);
    case Op.sumOfSquaresTotal:
      return sumOfSquaresTotalRange(args);
    case Op.adamwStep:
      return adamwStepRange(args, begin, end);
  }
}
