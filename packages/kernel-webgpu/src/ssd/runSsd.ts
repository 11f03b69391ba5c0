import { byteOffset, type SsdArgs } from "@mamba/kernel";
import type { SsdSizes } from "@mamba/kernel/author";
import type { TensorChunk } from "../commands/dispatcher.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { copySlot, fillFirstSlot } from "../scan/splitChannels.ts";
import { sequenceIndex } from "../shared/sequenceIndex.ts";
import { headsPerPart } from "./gradientShaders.ts";
import { ssdOutputShader, ssdProductsShader } from "./outputShaders.ts";
import { ssdPlanShader } from "./planShader.ts";
import { ssdCarryShader, ssdChunkStatesShader } from "./stateShaders.ts";
import { chunkLength, planes, planWords } from "./wgsl.ts";

/** Heads [first, first + heads) of a call, which are computed together. They consist of whole parts: see `headsPerPart`. */
export interface HeadRange {
  readonly first: number;
  readonly heads: number;
  readonly firstPart: number;
  readonly parts: number;
}

export function chunkCount({ length }: SsdSizes): number {
  return Math.ceil(length / chunkLength);
}

/** The parts of the heads that read one group. */
export function partsPerGroup({ heads, groups }: SsdSizes): number {
  return Math.ceil(heads / groups / headsPerPart);
}

/** Splits the heads so that each buffer of a call fits the largest binding, where that is possible. */
export function splitHeads(runtime: Runtime, sizes: SsdSizes): HeadRange[] {
  const { batch, heads, groups, headDim, stateSize } = sizes;
  const chunks = chunkCount(sizes);
  const perGroup = heads / groups;
  const words = batch * Math.max((chunks + 1) * headDim * stateSize, chunks * chunkLength ** 2);
  const partBytes = byteOffset("f32", words) * Math.min(headsPerPart, perGroup);
  const most = Math.max(1, Math.floor(runtime.chunkBytes / partBytes));
  const perPart = partsPerGroup(sizes);
  const startOf = (part: number): number =>
    Math.floor(part / perPart) * perGroup + (part % perPart) * headsPerPart;
  const ranges: HeadRange[] = [];
  const all = groups * perPart;
  for (let firstPart = 0; firstPart < all; firstPart += most) {
    const parts = Math.min(most, all - firstPart);
    const first = startOf(firstPart);
    ranges.push({ first, heads: startOf(firstPart + parts) - first, firstPart, parts });
  }
  return ranges;
}

/** The sizes with the heads as channels, for the copies of states. */
function asChannels({ batch, length, heads, headDim, stateSize }: SsdSizes) {
  return { batch, length, channels: heads, stateSize: headDim * stateSize };
}

/** Returns the states of some heads in `slots`, which holds [chunks + 1, B, heads, P, N] of each range of heads in turn. */
export function slotsOf(slots: WebGpuTensor, sizes: SsdSizes, { first, heads }: HeadRange): TensorChunk {
  const perHead = (chunkCount(sizes) + 1) * sizes.batch * sizes.headDim * sizes.stateSize;
  return { tensor: slots, start: perHead * first, count: perHead * heads };
}

/** Copies the heads of a state [B, H, P, N], or zeros, to slot 0. */
export function fillSlots(
  runtime: Runtime,
  op: string,
  slots: TensorChunk,
  state: WebGpuTensor | undefined,
  sizes: SsdSizes,
  { first, heads }: HeadRange,
): void {
  fillFirstSlot(runtime, op, slots, state, asChannels(sizes), { first, channels: heads });
}

/** Copies the last slot to the heads of a state [B, H, P, N]. */
export function takeLastSlot(
  runtime: Runtime,
  op: string,
  slots: TensorChunk,
  state: WebGpuTensor,
  sizes: SsdSizes,
  { first, heads }: HeadRange,
): void {
  copySlot(runtime, op, slots, chunkCount(sizes), state, asChannels(sizes), { first, channels: heads });
}

/** The buffers and parameters that all passes over some heads read. */
export interface SsdPlan {
  readonly plan: WebGpuTensor;
  /** [B, chunks, groups, 64, 64] */
  readonly products: WebGpuTensor;
  readonly params: Readonly<
    Record<
      | "batch"
      | "length"
      | "chunks"
      | "heads"
      | "first"
      | "headDim"
      | "stateSize"
      | "perGroup"
      | "groups"
      | "firstGroup"
      | "rowTiles"
      | "columnTiles",
      number
    >
  >;
}

/** Computes the decays of some heads and the products of their groups. The caller disposes both tensors. */
export function planHeads(
  runtime: Runtime,
  op: string,
  sizes: SsdSizes,
  {
    B,
    C,
    logDecay,
    weight,
    sequenceIds,
  }: Pick<Own<SsdArgs>, "B" | "C" | "logDecay" | "weight" | "sequenceIds">,
  { first, heads }: HeadRange,
): SsdPlan {
  const { batch, length, headDim, stateSize } = sizes;
  const chunks = chunkCount(sizes);
  const perGroup = sizes.heads / sizes.groups;
  const firstGroup = Math.floor(first / perGroup);
  const groups = Math.floor((first + heads - 1) / perGroup) + 1 - firstGroup;
  const params = {
    ...{ batch, length, chunks, heads, first, headDim, stateSize, perGroup, groups, firstGroup },
    rowTiles: Math.ceil(headDim / 64),
    columnTiles: Math.ceil(stateSize / 64),
  };
  const words = batch * (planWords(chunks) + planes * heads * chunks * chunkLength + heads * chunks);
  const plan = runtime.result(op, [words], "i32");
  const index = sequenceIndex(runtime, op, sequenceIds);
  const count = batch * chunks * heads;
  runtime.run(
    op,
    ssdPlanShader,
    { logDecay, weight, index, plan },
    { ...params, count },
    Math.ceil(count / 64),
  );
  index?.dispose();
  const products = runtime.result(op, [batch, chunks, groups, chunkLength, chunkLength]);
  runtime.run(
    op,
    ssdProductsShader(runtime.traits.parallel),
    { B, C, plan, products },
    params,
    batch * chunks * groups,
  );
  return { plan, products, params };
}

/**
 * Computes the slots of a scan from slot 0, or backwards those of the gradients: see `ssdChunkStatesShader`. Backwards, `x` is dy and
 * `B` is C.
 */
export function runStates(
  runtime: Runtime,
  op: string,
  { plan, params }: SsdPlan,
  { x, B, slots }: { readonly x: WebGpuTensor; readonly B: WebGpuTensor; readonly slots: TensorChunk },
  backwards: 0 | 1,
): void {
  const { batch, chunks, heads, headDim, stateSize, rowTiles, columnTiles } = params;
  const groups = batch * chunks * heads * rowTiles * columnTiles;
  runtime.run(
    op,
    ssdChunkStatesShader(runtime.traits.parallel),
    { x, B, plan, slots },
    { ...params, backwards },
    groups,
  );
  const count = batch * heads * headDim * stateSize;
  runtime.run(op, ssdCarryShader, { plan, slots }, { ...params, count, backwards }, Math.ceil(count / 64));
}

/** The tensors of `runOutputs`. */
interface OutputWork {
  readonly x: WebGpuTensor;
  readonly C: WebGpuTensor;
  readonly D: WebGpuTensor | undefined;
  readonly slots: TensorChunk;
  readonly y: WebGpuTensor;
}

/**
 * Computes the results of a scan from its slots, or backwards dx from those of the gradients: then `x` is dy, `C` is B and `y` is dx.
 *
 * @param initial true when slot 0 holds a state
 */
export function runOutputs(
  runtime: Runtime,
  op: string,
  { plan, products, params }: SsdPlan,
  { x, C, D, slots, y }: OutputWork,
  initial: boolean,
  backwards: boolean,
): void {
  const { batch, chunks, heads, rowTiles: columnTiles } = params;
  runtime.run(
    op,
    ssdOutputShader(backwards, runtime.traits.parallel),
    { x, C, slots, products, plan, D, y },
    { ...params, columnTiles, initial: initial ? 1 : 0 },
    batch * chunks * heads * columnTiles,
  );
}

/** Runs the scan. `slots` [chunks + 1, B, H, P, N] gets the state before each chunk and the final one. */
export function runSsdScan(
  runtime: Runtime,
  op: string,
  sizes: SsdSizes,
  args: Own<SsdArgs>,
  slots: WebGpuTensor,
  finalState: WebGpuTensor | undefined,
): WebGpuTensor {
  const { x, B, C, D, initialState } = args;
  const y = runtime.result(op, x.shape);
  for (const range of splitHeads(runtime, sizes)) {
    const plan = planHeads(runtime, op, sizes, args, range);
    const own = slotsOf(slots, sizes, range);
    fillSlots(runtime, op, own, initialState, sizes, range);
    runStates(runtime, op, plan, { x, B, slots: own }, 0);
    runOutputs(runtime, op, plan, { x, C, D, slots: own, y }, initialState !== undefined, false);
    if (finalState) takeLastSlot(runtime, op, own, finalState, sizes, range);
    plan.plan.dispose();
    plan.products.dispose();
  }
  return y;
}
