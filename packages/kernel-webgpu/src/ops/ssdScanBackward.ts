import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Op } from "../op.ts";
import { addRows } from "../shared/addRows.ts";
import {
  ssdChunkSumsShader,
  ssdDecaysShader,
  ssdGroupShader,
  ssdPairsShader,
} from "../ssd/gradientShaders.ts";
import {
  chunkCount,
  fillSlots,
  partsPerGroup,
  planHeads,
  runOutputs,
  runStates,
  slotsOf,
  splitHeads,
  takeLastSlot,
} from "../ssd/runSsd.ts";
import { chunkLength } from "../ssd/wgsl.ts";

/** The formulas are in ssd/gradientShaders.ts. */
export const ssdScanBackward: Op<"ssdScanBackward"> = (runtime, sizes, dy, args, { saved }, dFinal) => {
  const op = "ssdScanBackward";
  const { batch, length, groups, headDim, stateSize } = sizes;
  const { x, B, C, D, logDecay, weight, initialState: initial } = args;
  const { parallel } = runtime.traits;
  const chunks = chunkCount(sizes);
  const dx = runtime.result(op, x.shape);
  const dLogDecay = runtime.result(op, logDecay.shape);
  const dWeight = runtime.result(op, weight.shape);
  const dD = D && runtime.result(op, D.shape);
  const dInitial = initial && runtime.result(op, initial.shape);
  const perGroup = partsPerGroup(sizes);
  const width = groups * stateSize;
  const sumsShape = perGroup === 1 ? B.shape : [perGroup, batch * length * width];
  const sums = { B: runtime.result(op, sumsShape), C: runtime.result(op, sumsShape) };
  for (const range of splitHeads(runtime, sizes)) {
    const work = planHeads(runtime, op, sizes, args, range);
    const { plan, products, params } = work;
    const headChunks = batch * chunks * range.heads;
    const states = slotsOf(saved, sizes, range);
    const gradients = runtime.result(op, [chunks + 1, batch, range.heads, headDim, stateSize]);
    const slots = {
      tensor: gradients,
      start: 0,
      count: (chunks + 1) * batch * range.heads * headDim * stateSize,
    };
    fillSlots(runtime, op, slots, dFinal, sizes, range);
    runStates(runtime, op, work, { x: dy, B: C, slots }, 1);
    runOutputs(runtime, op, work, { x: dy, C: B, D, slots, y: dx }, dFinal !== undefined, true);
    if (dInitial) takeLastSlot(runtime, op, slots, dInitial, sizes, range);

    const pairs = runtime.result(op, [headChunks, chunkLength, chunkLength]);
    runtime.run(op, ssdPairsShader(parallel), { dy, x, plan, pairs }, params, headChunks);
    const { firstPart, parts } = range;
    const partParams = { ...params, firstPart, parts, partsPerGroup: perGroup, width };
    const partGroups = batch * chunks * parts * params.columnTiles;
    const dots = [batch * range.heads, params.columnTiles, chunks * chunkLength];
    const [u, v] = [runtime.result(op, dots), runtime.result(op, dots)];
    const shared = { B, C, pairs, plan };
    runtime.run(
      op,
      ssdGroupShader(false, parallel),
      { ...shared, x: dy, slots: states, sums: sums.C, dots: u },
      partParams,
      partGroups,
    );
    runtime.run(
      op,
      ssdGroupShader(true, parallel),
      { ...shared, x, slots, sums: sums.B, dots: v },
      partParams,
      partGroups,
    );

    const through = runtime.result(op, [headChunks]);
    const skips = runtime.result(op, [batch * chunks, range.heads]);
    const sumsWork = { dy, x, slots: states, gradients: slots, plan, through };
    runtime.run(op, ssdChunkSumsShader, { ...sumsWork, skips }, params, headChunks);
    if (dD) {
      addRows(runtime, op, skips, batch * chunks, range.heads, {
        tensor: dD,
        start: range.first,
        count: range.heads,
      });
    }
    runtime.run(
      op,
      ssdDecaysShader,
      { products, plan, u, v, through, pairs, dLogDecay, dWeight },
      params,
      headChunks,
    );
    for (const temporary of [plan, products, gradients, pairs, u, v, through, skips]) temporary.dispose();
  }
  const total = (tensor: WebGpuTensor) => {
    if (perGroup === 1) return tensor;
    const sum = runtime.result(op, B.shape);
    addRows(runtime, op, tensor, perGroup, batch * length * width, sum);
    tensor.dispose();
    return sum;
  };
  return {
    x: dx,
    B: total(sums.B),
    C: total(sums.C),
    logDecay: dLogDecay,
    weight: dWeight,
    ...(dD && { D: dD }),
    ...(dInitial && { initialState: dInitial }),
  };
};
