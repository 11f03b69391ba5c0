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
