import type { Op } from "../op.ts";
import { sequenceIndex } from "../sequenceIndex.ts";
import {
  carryStates,
  chunksOf,
  runScores,
  side,
  sideThreads,
  ssdWords,
  statesShape,
  tilesOf,
} from "../ssd/runSsd.ts";
import type { CudaTensor } from "../tensor.ts";
import { addRows } from "./sumRows.ts";

export const ssdScanBackward: Op<"ssdScanBackward"> = (runtime, sizes, dy, args, residual, dFinalState) => {
  const op = "ssdScanBackward";
  const { batch, heads, headDim, groups, stateSize } = sizes;
  const { x, B, C, logDecay, weight, D, initialState } = args;
  const states = residual.saved;
  const chunks = chunksOf(sizes);
  const places = batch * chunks * heads;
  const words = ssdWords(sizes, args, dy);
  const index = sequenceIndex(runtime, op, args.sequenceIds);
  const like = (tensor: CudaTensor) => runtime.result(op, tensor.shape);
  const grads = {
    ...{ x: like(x), B: like(B), C: like(C), logDecay: like(logDecay), weight: like(weight) },
    ...(D && { D: like(D) }),
    ...(initialState && { initialState: like(initialState) }),
  };

  const scores = runScores(runtime, op, args, sizes, index, words);
  const flow = runtime.result(op, statesShape(sizes));
  const passes = runtime.result(op, [batch, chunks, heads]);
  const flowBlocks = places * tilesOf(headDim) * tilesOf(stateSize);
  const flowArgs = [dy, C, logDecay, weight, index, flow, passes, words];
  runtime.launch(op, "ssdChunkFlow", flowBlocks, sideThreads, flowArgs);
  const carried = { start: dFinalState, passes, states: flow, end: grads.initialState };
  carryStates(runtime, op, sizes, { ...carried, backwards: true });

  const dScores = runtime.result(op, [places, side, side]);
  const skips = runtime.result(op, [batch * chunks, heads]);
  const given = [x, B, C, logDecay, weight, D, index, dy, scores, states, flow];
  const targets = [grads.x, grads.logDecay, grads.weight, dScores, skips];
  runtime.launch(op, op, places, sideThreads, [...given, ...targets, words]);
  const groupBlocks = batch * chunks * groups * tilesOf(stateSize);
  const cArgs = [B, dy, logDecay, weight, index, dScores, states, grads.C, words];
  runtime.launch(op, "ssdScanBackwardC", groupBlocks, sideThreads, cArgs);
  const bArgs = [C, x, logDecay, weight, index, dScores, flow, grads.B, words];
  runtime.launch(op, "ssdScanBackwardB", groupBlocks, sideThreads, bArgs);
  if (grads.D) addRows(runtime, op, skips, batch * chunks, heads, grads.D);
  for (const temporary of [index, scores, flow, passes, dScores, skips]) temporary?.dispose();
  return grads;
};
