import type { Ops, StackState } from "@mamba/core";
import type { Kernel, Shape, Tensor } from "@mamba/kernel";
import { TrainError } from "./errors.ts";
import { cutRows, isPacked, type Layout, layOut, place, sequenceIds, sequencesOf } from "./layout.ts";
import type { RunnableModel } from "./runnableModel.ts";
import type { LossOptions } from "./trainable.ts";

/** The inputs of a batch, as a model takes them, and where the results of each example are. */
export interface ModelBatch {
  readonly model: RunnableModel;
  readonly layout: Layout;
  readonly packed: boolean;
  readonly input: Int32Array | Float32Array;
  /** Number of results: positions with padding, or sequences. */
  readonly results: number;
}

/** A part of a batch that goes through the model at once. */
export interface ModelChunk {
  /** Positions, padding included. */
  readonly positions: number;
  /** Number of results. */
  readonly results: number;
  /** Runs the model and returns its results, [results, outputs]. They belong to the ops. */
  run(ops: Ops, training: LossOptions["training"]): Tensor;
  /** Only advances the state. */
  advance(ops: Ops): void;
  /** The values of this chunk's results out of those of the batch, with `width` values for each. */
  cut<T extends Int32Array | Float32Array>(values: T, width: number): T;
}

/**
 * Lays the inputs of a batch out in rows.
 *
 * @param inputs checked: each fits the model
 * @param packTo positions per row when short sequences are packed
 */
export function batchOf(
  model: RunnableModel,
  inputs: readonly (Int32Array | Float32Array)[],
  packTo: number | undefined,
): ModelBatch {
  const width = model.input.width;
  const lengths = inputs.map((input) => input.length / width);
  const layout = layOut(lengths, packTo);
  const size = layout.rows * layout.length * width;
  const empty = model.input.dtype === "i32" ? new Int32Array(size) : new Float32Array(size);
  const input = place(layout, (example) => inputs[example] ?? [], width, empty);
  const results = model.perPosition ? layout.rows * layout.length : layout.places.length;
  return { model, layout, packed: isPacked(layout), input, results };
}

/** The values of each example at the places of its results, with `width` values for each. */
export function placeResults<T extends Int32Array | Float32Array>(
  { model, layout }: ModelBatch,
  values: (example: number) => ArrayLike<number>,
  width: number,
  into: T,
): T {
  if (model.perPosition) return place(layout, values, width, into);
  layout.places.forEach(({ example }, i) => into.set(values(example), i * width));
  return into;
}

/** The results of each example, in the order of the examples, out of those of the batch. The reverse of `placeResults`. */
export function takeResults(
  { model, layout }: ModelBatch,
  values: Float32Array,
  width: number,
): Float32Array[] {
  const results: Float32Array[] = [];
  layout.places.forEach(({ example, start, length }, i) => {
    const [from, count] = model.perPosition ? [start, length] : [i, 1];
    results[example] = values.slice(from * width, (from + count) * width);
  });
  return results;
}

/** Positions of the batch, with and without padding. */
export function positionsOf({ layout }: ModelBatch): { positions: number; realPositions: number } {
  const real = layout.places.reduce((sum, { length }) => sum + length, 0);
  return { positions: layout.rows * layout.length, realPositions: real };
}

/**
 * The chunks of a batch, in order; each goes on from the state of the one before. No gradient comes back from a chunk to the one
 * before (truncated backpropagation through time).
 *
 * @param kernel creates the state
 * @param segmentLength positions per chunk. Default: the whole batch is one chunk
 * @param gradients true when the chunks are recorded for a backward pass
 * @throws TrainError `CONFIG` when the batch is to be cut, and the model has no state or a result for the whole sequence; or when its
 * state grows with the positions, and the batch is packed or is recorded
 */
export function* chunksOf(
  batch: ModelBatch,
  kernel: Kernel,
  segmentLength: number | undefined,
  gradients: boolean,
): Generator<ModelChunk, void, undefined> {
  const { layout, packed, model } = batch;
  const isIgnored = isCausalPadding(batch) && !(gradients && model.addsLosses);
  const ids = packed && !isIgnored ? sequenceIds(layout) : undefined;
  const whole = segmentLength === undefined || segmentLength >= layout.length;
  if (whole) {
    yield chunkOf(batch, ids, { start: 0, count: layout.length }, undefined);
    return;
  }
  const { createState } = model;
  const refuse = (reason: string) =>
    new TrainError(
      "CONFIG",
      `training field segmentLength must be undefined for this model, since ${reason}; got ${segmentLength}`,
    );
  if (!model.perPosition) throw refuse("it has one result for a whole sequence");
  if (!createState) throw refuse("it has no state");
  using state = createState(layout.rows, kernel);
  if (state.grows && gradients)
    throw refuse("no gradient goes through a state that grows with the positions");
  if (state.grows && ids) throw refuse("its state grows with the positions, and rows hold several sequences");
  for (let start = 0; start < layout.length; start += segmentLength) {
    if (ids && start > 0) resetRows(kernel, state, freshRows(ids, layout, start));
    yield chunkOf(batch, ids, { start, count: Math.min(segmentLength, layout.length - start) }, state);
  }
}

/** True when all padding is at the ends of rows with one sequence, where it changes nothing that counts in a causal model. */
function isCausalPadding({ model, layout }: ModelBatch): boolean {
  return model.createState !== undefined && model.perPosition && layout.places.length === layout.rows;
}

/** The rows in which no sequence goes on from the position before `start`. */
function freshRows(ids: Int32Array, { rows, length }: Layout, start: number): number[] {
  return Array.from({ length: rows }, (_, row) => row).filter((row) => {
    const at = row * length + start;
    return ids[at] !== ids[at - 1];
  });
}

/** Sets rows of a state to zeros: a sequence starts there, and must not go on from the state of the one before. */
function resetRows(kernel: Kernel, state: StackState, rows: readonly number[]): void {
  for (const tensor of state.tensors) {
    const [, ...rest] = tensor.shape;
    if (rows.length === 0) return;
    using zeros = kernel.zeros([1, ...rest], "f32");
    for (const row of rows) {
      using target = kernel.rows(tensor, row, 1);
      kernel.copyInto(target, zeros);
    }
  }
}

function chunkOf(
  batch: ModelBatch,
  ids: Int32Array | undefined,
  range: { readonly start: number; readonly count: number },
  state: StackState | undefined,
): ModelChunk {
  const { model, layout } = batch;
  const { rows } = layout;
  const { width, shape } = model.input;
  const sequences = ids && sequencesOf(cutRows(ids, rows, 1, range), rows);
  const inputShape: Shape = [...shape(rows, range.count)];
  const data = cutRows(batch.input, rows, width, range);
  const results = model.perPosition ? rows * range.count : batch.results;
  return {
    positions: rows * range.count,
    results,
    run(ops, training) {
      const y = model.run(ops, ops.constant(data, inputShape), { state, sequences, training });
      return model.perPosition ? ops.reshape(y, [results, model.outputs]) : y;
    },
    advance(ops) {
      const input = ops.constant(data, inputShape);
      if (model.advance) model.advance(ops, input, { state, sequences });
      else model.run(ops, input, { state, sequences });
    },
    cut: (values, own) => (model.perPosition ? cutRows(values, rows, own, range) : values),
  };
}
