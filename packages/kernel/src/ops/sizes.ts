/** Sizes of an op over sequences [batch, length, channels]. */
export interface SequenceSizes {
  readonly batch: number;
  readonly length: number;
  readonly channels: number;
}

/** Sizes of a convolution: its states are [batch, channels, width - 1]. */
export interface ConvSizes extends SequenceSizes {
  readonly width: number;
}

/** Sizes of a scan: its states are [batch, channels, stateSize]. */
export interface ScanSizes extends SequenceSizes {
  readonly stateSize: number;
}

/** Sizes of an op that pools the positions of each of `sequences` sequences in rows [batch, length, channels]. */
export interface PositionSizes extends SequenceSizes {
  readonly sequences: number;
}

/** Sizes of a state space scan with heads: its states are [batch, heads, headDim, stateSize]. */
export interface SsdSizes {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly headDim: number;
  readonly groups: number;
  readonly stateSize: number;
}

/** Sizes of attention: a head has `keyDim` columns in queries and keys and `valueDim` columns in values and results. */
export interface AttentionSizes {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
}
