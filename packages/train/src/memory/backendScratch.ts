import type { Shape } from "@mamba/kernel";
import type { ConvSizes, ScanSizes, SsdSizes } from "@mamba/kernel/author";

/** The memory that a backend needs beside the results of its ops, where it grows with the input. */
export interface BackendScratch {
  /** The residual of `selectiveScanForward`: states at chunk boundaries. */
  scanResidual(sizes: ScanSizes): Shape;
  /** Tensors that `selectiveScanBackward` frees before it returns. */
  scanBackward(sizes: ScanSizes): readonly Shape[];
  /** Tensors that `causalConv1dBackward` frees before it returns. */
  convBackward(sizes: ConvSizes): readonly Shape[];
  /** The residual of `ssdScanForward`: states at chunk boundaries. */
  ssdResidual(sizes: SsdSizes): Shape;
  /** Tensors that `ssdScanBackward` frees before it returns. */
  ssdBackward(sizes: SsdSizes): readonly Shape[];
}

const chunksOf = (length: number, chunk: number) => Math.ceil(length / chunk);

/** The products of the positions of each chunk of 64, and the states of `extra` chunks more than there are. */
function ssdTiles({ batch, length, heads, headDim, groups, stateSize }: SsdSizes, extra: number): Shape[] {
  const chunks = chunksOf(length, 64);
  return [
    [chunks + extra, batch, heads, headDim, stateSize],
    [batch, chunks, heads, 64, 64],
    [batch, chunks, groups, 64, 64],
  ];
}

/** Backend `cpu`: states every 64 positions, and partial sums of at most 32 units. */
const cpu: BackendScratch = {
  scanResidual: ({ batch, length, channels, stateSize }) => [
    batch,
    chunksOf(length, 64),
    chunksOf(channels, 4),
    4 * stateSize,
  ],
  scanBackward({ batch, length, channels, stateSize }) {
    const chunks = chunksOf(channels, 32);
    const groups = chunksOf(chunks, chunksOf(chunks, chunksOf(32, batch)));
    return [
      [2, groups, batch * length * stateSize],
      [batch, channels * (stateSize + 2)],
    ];
  },
  convBackward: ({ batch, channels, width }) => [[batch, channels * (width + 1)]],
  ssdResidual: ({ batch, length, heads, headDim, stateSize }) => [
    batch,
    chunksOf(length, 64),
    heads,
    headDim,
    stateSize,
  ],
  ssdBackward({ batch, length, heads, groups, stateSize }) {
    const groupHeads = heads / groups;
    const unitHeads = chunksOf(groupHeads, chunksOf(32, batch * groups));
    const units = chunksOf(groupHeads, unitHeads);
    const sumsBC: Shape = [2, units, batch * length * groups * stateSize];
    return [...(units > 1 ? [sumsBC] : []), [batch, heads]];
  },
};

/** Backend `webgpu`: states every 16 positions; steps of all channels, states and partial sums in the backward. */
const webgpu: BackendScratch = {
  scanResidual: ({ batch, length, channels, stateSize }) => [
    chunksOf(length, 16) + 1,
    batch,
    channels,
    stateSize,
  ],
  scanBackward({ batch, length, channels, stateSize }) {
    const chunks = chunksOf(length, 16);
    const sumsBC = 2 * batch * length * stateSize;
    return [
      [3, batch * length * channels],
      [chunks + 1, batch, channels, stateSize],
      [chunks, batch, channels],
      [chunksOf(channels, 64) + 1, sumsBC],
      [batch * chunks, channels * stateSize],
    ];
  },
  convBackward: ({ batch, length, channels, width }) => [
    [batch, length, channels],
    [batch * chunksOf(length, 128), channels * (width + 1)],
  ],
  ssdResidual: ({ batch, length, heads, headDim, stateSize }) => [
    chunksOf(length, 64) + 1,
    batch,
    heads,
    headDim,
    stateSize,
  ],
  ssdBackward: (sizes) => ssdTiles(sizes, 1),
};

/** Backend `cuda`: states every 16 positions; their gradients and partial sums in the backward. */
const cuda: BackendScratch = {
  scanResidual: ({ batch, length, channels, stateSize }) => [
    chunksOf(length, 16),
    batch,
    stateSize,
    channels,
  ],
  scanBackward({ batch, length, channels, stateSize }) {
    const chunks = chunksOf(length, 16);
    const tiles = chunksOf(channels, 32);
    const chunksPerBlock = Math.min(16, Math.max(1, Math.floor((tiles * chunks * batch) / 1056)));
    return [
      [chunks, batch, stateSize, channels],
      [chunks, batch, channels],
      [batch * chunksOf(chunks, chunksPerBlock), channels * (stateSize + 2)],
      [2, tiles, batch * length * stateSize],
    ];
  },
  convBackward: ({ batch, length, channels, width }) => [
    [batch * chunksOf(length, 64), channels * (width + 1)],
  ],
  ssdResidual: ({ batch, length, heads, headDim, stateSize }) => [
    batch,
    chunksOf(length, 64),
    heads,
    headDim,
    stateSize,
  ],
  ssdBackward: (sizes) => ssdTiles(sizes, 0),
};

const known: Readonly<Record<string, BackendScratch>> = { cpu, webgpu, cuda };

/** @param name of a kernel. A backend that is not known is taken to need as much as `webgpu`, which needs the most. */
export function backendScratch(name: string): BackendScratch {
  return known[name] ?? webgpu;
}
