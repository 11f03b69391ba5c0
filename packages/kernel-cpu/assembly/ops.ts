// The table of ops. The numbers are those of src/opcodes.ts.

import { addRange, elementwiseUnits, flipRange, flipUnits, mulRange, negExpRange } from "./elementwise";
import { scaleRange, siluRange } from "./elementwise";
import { linearRange, linearScratch, linearUnits } from "./linear";
import { rmsNormRange, rmsNormScratch, rmsNormUnits } from "./norm";
import { embeddingRange, embeddingScratch, embeddingUnits } from "./embedding";
import { causalConv1dRange, causalConv1dScratch, causalConv1dUnits } from "./conv";
import { causalConv1dStepRange, causalConv1dStepScratch, causalConv1dStepUnits } from "./conv";
import { selectiveScanRange, selectiveScanScratch, selectiveScanUnits } from "./scan";
import { selectiveStateUpdateRange, selectiveStateUpdateScratch, selectiveStateUpdateUnits } from "./update";
import { argmaxRange, argmaxUnits, penaltyUnits, repetitionPenaltyRange } from "./sampling";
import { sampleRange, sampleScratch, sampleUnits } from "./sampling";
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
  }
}
