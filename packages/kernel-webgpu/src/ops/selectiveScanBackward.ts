import { elementCount } from "@mamba/kernel";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Op } from "../op.ts";
import { scanChunkGradientsShader, scanChunksShader, scanStepsShader } from "../scan/backwardShaders.ts";
import { scanCarryShader } from "../scan/forwardShaders.ts";
import { scanGateShader, scanInputsShader, scanSkipShader } from "../scan/inputGradientShaders.ts";
import { packScan } from "../scan/packScan.ts";
import { copySlot, fillFirstSlot, splitChannels, statesOf } from "../scan/splitChannels.ts";
import { intervalCount, stateInterval } from "../scan/wgsl.ts";
import { addRows, rowsPerChunk } from "../shared/addRows.ts";

export const selectiveScanBackward: Op<"selectiveScanBackward"> = (
  runtime,
  sizes,
  dy,
  args,
  { saved: states },
  dFinal,
) => {
  const op = "selectiveScanBackward";
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, B, C, z, initialState: initial } = args;
  const { tensor: packed, sequences: packedSequences, params: options } = packScan(runtime, op, args);
  const result = (like: WebGpuTensor) => runtime.result(op, like.shape);
  const sequences = { u: result(u), delta: result(delta), ...(z && { z: result(z) }) };
  const [dA, dB, dC] = [result(args.A), result(B), result(C)];
  const D = args.D && result(args.D);
  const deltaBias = args.deltaBias && result(args.deltaBias);
  const initialState = initial && result(initial);

  const rows = batch * length;
  const chunks = intervalCount(length);
  const channelChunks = splitChannels(runtime, sizes);
  const sizeBC = 2 * rows * stateSize;
  const allBC = runtime.result(op, [channelChunks.length, sizeBC]);
  channelChunks.forEach((channelChunk, i) => {
    const width = channelChunk.channels;
    const count = rows * width;
    const channelGroups = Math.ceil(width / 64);
    const params = { ...sizes, ...channelChunk, ...options, rows, count, chunks, channelGroups };
    const groups = Math.ceil(count / 64);
    const steps = runtime.result(op, [3, count]);
    runtime.run(op, scanStepsShader(packedSequences), { u, delta, dy, z, packed, steps }, params, groups);

    const carry = runtime.result(op, [chunks + 1, batch, width, stateSize]);
    const slots = { tensor: carry, start: 0, count: elementCount(carry.shape) };
    fillFirstSlot(runtime, op, slots, dFinal, sizes, channelChunk);
    const stateGroups = Math.ceil((width * stateSize) / 64);
    const sums = runtime.result(op, [chunks, batch, width]);
    const ends = { steps, C, packed, carry, sums };
    runtime.run(
      op,
      scanChunkGradientsShader(packedSequences),
      ends,
      { ...params, stateGroups },
      batch * chunks * stateGroups,
    );
    const order = { chunkLength: stateInterval, slots: 1, count: chunks, backwards: 1 };
    const carried = { packed, sums, state: carry };
    runtime.run(
      op,
      scanCarryShader(packedSequences),
      carried,
      { ...params, stateGroups, ...order },
      batch * stateGroups,
    );
    if (initialState) copySlot(runtime, op, slots, chunks, initialState, sizes, channelChunk);

    const sumsBC = runtime.result(op, [channelGroups, sizeBC]);
    const sumsA = runtime.result(op, [batch * chunks, width * stateSize]);
    const keptStates = statesOf(states, sizes, channelChunk);
    const chunked = { B, C, packed, states: keptStates, carry, steps, dBC: sumsBC, dA: sumsA };
    runtime.run(op, scanChunksShader(packedSequences), chunked, params, batch * chunks * channelGroups);
    const [startA, countA] = [channelChunk.first * stateSize, width * stateSize];
    addRows(runtime, op, sumsA, batch * chunks, countA, { tensor: dA, start: startA, count: countA });
    const chunkBC = { tensor: allBC, start: i * sizeBC, count: sizeBC };
    addRows(runtime, op, sumsBC, channelGroups, sizeBC, chunkBC);

    const outputs = { du: sequences.u, ddelta: sequences.delta };
    const inputs = { u, dy, z, packed, steps };
    runtime.run(op, scanInputsShader(packedSequences), { ...inputs, delta, ...outputs }, params, groups);
    if (sequences.z)
      runtime.run(op, scanGateShader(packedSequences), { ...inputs, dz: sequences.z }, params, groups);
    for (const temporary of [steps, carry, sums, sumsBC, sumsA]) temporary.dispose();
  });
  const several = channelChunks.length > 1;
  const dBC = several ? runtime.result(op, [sizeBC]) : allBC;
  if (several) {
    addRows(runtime, op, allBC, channelChunks.length, sizeBC, dBC);
    allBC.dispose();
  }
  runtime.commands.copy(op, dBC.storage.buffer, 0, dB.storage.buffer, 0, dB.storage.bytes);
  runtime.commands.copy(op, dBC.storage.buffer, dB.storage.bytes, dC.storage.buffer, 0, dC.storage.bytes);
  for (const tensor of [dB, dC]) runtime.commands.write(tensor.storage);
  if (D) {
    const rowChunks = Math.ceil(rows / rowsPerChunk);
    const channelGroups = Math.ceil(channels / 64);
    const sum = runtime.result(op, [rowChunks, channels]);
    const read = { u, dy, z, packed };
    runtime.run(
      op,
      scanSkipShader(packedSequences),
      { ...read, sum },
      { ...sizes, ...options, rows, channelGroups },
      rowChunks * channelGroups,
    );
    addRows(runtime, op, sum, rowChunks, channels, D);
    sum.dispose();
  }
  if (deltaBias) addRows(runtime, op, sequences.delta, rows, channels, deltaBias);
  packed.dispose();
  dBC.dispose();
  return {
    ...sequences,
    ...{ A: dA, B: dB, C: dC },
    ...(D && { D }),
    ...(deltaBias && { deltaBias }),
    ...(initialState && { initialState }),
  };
};
