import type { ScanSizes } from "@mamba/kernel/author";
import type { Bound } from "../dispatcher.ts";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "../tensor.ts";
import { chunkLength } from "../wgsl/scan.ts";
import type { ChannelPiece, PackedScan } from "./scanChannels.ts";
import { scanCarryShader, selectiveScanShader, scanSpansShader } from "./scanShaders.ts";

/**
 * A scan with so many channels, those of all rows counted, goes along each in one walk. WebGPU does not say how many
 * invocations a device runs at once: on GPUs some thousands to some hundred thousands. The figures here are reasoned, not
 * measured on a GPU.
 */
const enough = 16384;

/** Shorter spans save little time: the walk over the spans grows with their number. */
const shortest = 64;

/** Spans take every exponential twice: with fewer there is little to win. */
const fewest = 4;

/** How many positions of a channel one invocation walks along: `length`, or as few as let a GPU have enough to do. */
export function spanFor({ batch, length }: ScanSizes, channels: number): number {
  const spans = Math.min(Math.floor(enough / (batch * channels)), Math.floor(length / shortest));
  return spans < fewest ? length : Math.ceil(length / spans / chunkLength) * chunkLength;
}

/** As `spanFor`, for the device: a software adapter has no more than a workgroup for each core to spread work over. */
export function spanOf(runtime: Runtime, sizes: ScanSizes, channels: number): number {
  const { length } = sizes;
  if (runtime.scanSpan !== undefined) return Math.min(runtime.scanSpan, length);
  return runtime.traits.parallel ? spanFor(sizes, channels) : length;
}

/** What a scan reads, and where it writes. */
export interface ScanWork {
  readonly inputs: {
    readonly u: WebGpuTensor;
    readonly delta: WebGpuTensor;
    readonly B: WebGpuTensor;
    readonly C: WebGpuTensor;
    readonly z: WebGpuTensor | undefined;
  };
  readonly small: PackedScan;
  readonly y: WebGpuTensor;
  /** [slots, B, D, N]: slot 0 has the initial state, where there is one. */
  readonly state: Bound;
  readonly initial: boolean;
  readonly span: number;
  /** Positions from one slot to the next. */
  readonly every: number;
  /** The slot for the final state. */
  readonly last: number;
}

/** The scan of some channels: in one walk, or in spans. */
export function runScan(
  runtime: Runtime,
  op: string,
  { batch, length, stateSize }: ScanSizes,
  { first, channels }: ChannelPiece,
  { inputs, small, y, state, initial, span, every, last }: ScanWork,
): void {
  const blocks = Math.ceil(channels / 64);
  const spans = Math.ceil(length / span);
  const slots = span / every;
  const params = { batch, length, channels, first, stateSize, blocks, span, spans, slots, ...small.params };
  if (spans > 1) {
    const { u, delta, B } = inputs;
    const count = spans - 1;
    const sums = runtime.result(op, [count, batch, channels]);
    const ends = { u, delta, B, small: small.tensor, state, sums };
    runtime.run(op, scanSpansShader(stateSize), ends, params, batch * count * blocks);
    const rows = Math.ceil((channels * stateSize) / 64);
    runtime.run(
      op,
      scanCarryShader,
      { small: small.tensor, sums, state },
      { ...params, blocks: rows, count, backwards: 0 },
      batch * rows,
    );
    sums.dispose();
  }
  runtime.run(
    op,
    selectiveScanShader(stateSize),
    { ...inputs, small: small.tensor, state, y },
    { ...params, initial: initial ? 1 : 0, every, last },
    batch * spans * blocks,
  );
}
