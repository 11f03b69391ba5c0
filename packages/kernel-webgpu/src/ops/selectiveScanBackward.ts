import { elementCount } from "@mamba/kernel";
import type { Op } from "../op.ts";
import type { WebGpuTensor } from "../tensor.ts";
import { chunkLength, chunksOf } from "../wgsl/scan.ts";
import {
  scanChunksShader,
  scanFlowShader,
  scanGateShader,
  scanInputsShader,
  scanSkipShader,
  scanStepsShader,
} from "./scanBackwardShaders.ts";
import { channelPieces, copySlot, fillFirst, packScan, statesOf } from "./scanChannels.ts";
import { scanCarryShader } from "./scanShaders.ts";
import { addRows, rowsPerBlock } from "./sumRows.ts";

export const selectiveScanBackward: Op<"selectiveScanBackward"> = (
  runtime,
  sizes,
  dy,
  args,
  { states },
  dFinal,
) => {
  const op = "selectiveScanBackward";
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, B, C, z, initialState: initial } = args;
  const { tensor: small, params: options } = packScan(runtime, op, args);

  const result = (like: WebGpuTensor) => runtime.result(op, like.shape);
  const sequences = { u: result(u), delta: result(delta), ...(z && { z: result(z) }) };
  const [dA, dB, dC] = [result(args.A), result(B), result(C)];
  const D = args.D && result(args.D);
  const deltaBias = args.deltaBias && result(args.deltaBias);
  const initialState = initial && result(initial);

  const rows = batch * length;
  const chunks = chunksOf(length);
  const pieces = channelPieces(runtime, sizes);
  const sizeBC = 2 * rows * stateSize;
  const partsBC = runtime.result(op, [pieces.length, sizeBC]);
  pieces.forEach((piece, i) => {
    const wide = piece.channels;
    const count = rows * wide;
    const strips = Math.ceil(wide / 64);
    const params = { ...sizes, ...piece, ...options, rows, count, chunks, strips };
    const each = Math.ceil(count / 64);
    const steps = runtime.result(op, [3, count]);
    runtime.run(op, scanStepsShader, { u, delta, dy, z, small, steps }, params, each);

    const flow = runtime.result(op, [chunks + 1, batch, wide, stateSize]);
    const slots = { tensor: flow, start: 0, count: elementCount(flow.shape) };
    fillFirst(runtime, op, slots, dFinal, sizes, piece);
    const blocks = Math.ceil((wide * stateSize) / 64);
    const sums = runtime.result(op, [chunks, batch, wide]);
    const ends = { steps, C, small, flow, sums };
    runtime.run(op, scanFlowShader, ends, { ...params, blocks }, batch * chunks * blocks);
    const walk = { span: chunkLength, spans: chunks, slots: 1, count: chunks, backwards: 1 };
    const flowing = { small, sums, state: flow };
    runtime.run(op, scanCarryShader, flowing, { ...params, blocks, ...walk }, batch * blocks);
    if (initialState) copySlot(runtime, op, slots, chunks, initialState, sizes, piece);

    const sumsBC = runtime.result(op, [strips, sizeBC]);
    const sumsA = runtime.result(op, [batch * chunks, wide * stateSize]);
    const kept = statesOf(states, sizes, piece);
    const chunked = { B, C, small, states: kept, flow, steps, dBC: sumsBC, dA: sumsA };
    runtime.run(op, scanChunksShader, chunked, params, batch * chunks * strips);
    const [start, width] = [piece.first * stateSize, wide * stateSize];
    addRows(runtime, op, sumsA, batch * chunks, width, { tensor: dA, start, count: width });
    const partBC = { tensor: partsBC, start: i * sizeBC, count: sizeBC };
    addRows(runtime, op, sumsBC, strips, sizeBC, partBC);

    const targets = { du: sequences.u, ddelta: sequences.delta };
    const given = { u, dy, z, small, steps };
    runtime.run(op, scanInputsShader, { ...given, delta, ...targets }, params, each);
    if (sequences.z) runtime.run(op, scanGateShader, { ...given, dz: sequences.z }, params, each);
    for (const temporary of [steps, flow, sums, sumsBC, sumsA]) temporary.dispose();
  });
  const several = pieces.length > 1;
  const dBC = several ? runtime.result(op, [sizeBC]) : partsBC;
  if (several) {
    addRows(runtime, op, partsBC, pieces.length, sizeBC, dBC);
    partsBC.dispose();
  }
  runtime.commands.copy(op, dBC.storage.buffer, 0, dB.storage.buffer, 0, dB.storage.bytes);
  runtime.commands.copy(op, dBC.storage.buffer, dB.storage.bytes, dC.storage.buffer, 0, dC.storage.bytes);
  for (const half of [dB, dC]) runtime.commands.write(half.storage);
  if (D) {
    const positions = Math.ceil(rows / rowsPerBlock);
    const strips = Math.ceil(channels / 64);
    const sum = runtime.result(op, [positions, channels]);
    const read = { u, dy, z, small };
    runtime.run(
      op,
      scanSkipShader,
      { ...read, sum },
      { ...sizes, ...options, rows, strips },
      positions * strips,
    );
    addRows(runtime, op, sum, positions, channels, D);
    sum.dispose();
  }
  if (deltaBias) addRows(runtime, op, sequences.delta, rows, channels, deltaBias);
  small.dispose();
  dBC.dispose();
  return {
    ...sequences,
    ...{ A: dA, B: dB, C: dC },
    ...(D && { D }),
    ...(deltaBias && { deltaBias }),
    ...(initialState && { initialState }),
  };
};
