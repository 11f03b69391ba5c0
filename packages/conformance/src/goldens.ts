import bidirectional from "./goldens/bidirectional.ts";
import bidirectionalDivided from "./goldens/bidirectional-divided.ts";
import block from "./goldens/block.ts";
import blockBackward from "./goldens/block-backward.ts";
import blockBackwardBidirectional from "./goldens/block-backward-bidirectional.ts";
import blockBackwardJamba from "./goldens/block-backward-jamba.ts";
import blockBias from "./goldens/block-bias.ts";
import blockFalcon from "./goldens/block-falcon.ts";
import blockJamba from "./goldens/block-jamba.ts";
import convBackwardFull from "./goldens/conv-backward-full.ts";
import convBackwardPlain from "./goldens/conv-backward-plain.ts";
import convBackwardRange from "./goldens/conv-backward-range.ts";
import convFull from "./goldens/conv-full.ts";
import convPlain from "./goldens/conv-plain.ts";
import convRange from "./goldens/conv-range.ts";
import gatedNormBackward from "./goldens/gated-norm-backward.ts";
import gatedNormBackwardFirst from "./goldens/gated-norm-backward-first.ts";
import lossBackward from "./goldens/loss-backward.ts";
import normBackward from "./goldens/norm-backward.ts";
import normBackwardWeightless from "./goldens/norm-backward-weightless.ts";
import scanBackwardFull from "./goldens/scan-backward-full.ts";
import scanBackwardPlain from "./goldens/scan-backward-plain.ts";
import scanBackwardRange from "./goldens/scan-backward-range.ts";
import scanFull from "./goldens/scan-full.ts";
import scanPlain from "./goldens/scan-plain.ts";
import scanRange from "./goldens/scan-range.ts";
import sequenceMean from "./goldens/sequence-mean.ts";
import sequenceTokensLast from "./goldens/sequence-tokens-last.ts";
import sequenceTokensMax from "./goldens/sequence-tokens-max.ts";
import ssdBackwardFull from "./goldens/ssd-backward-full.ts";
import ssdBackwardPlain from "./goldens/ssd-backward-plain.ts";
import ssdBackwardRange from "./goldens/ssd-backward-range.ts";
import visionMamba from "./goldens/vision-mamba.ts";
import visionMambaMean from "./goldens/vision-mamba-mean.ts";

const files = {
  "scan-plain": scanPlain,
  "scan-full": scanFull,
  "scan-range": scanRange,
  "conv-plain": convPlain,
  "conv-full": convFull,
  "conv-range": convRange,
  block,
  "block-bias": blockBias,
  "block-jamba": blockJamba,
  "block-falcon": blockFalcon,
  bidirectional,
  "bidirectional-divided": bidirectionalDivided,
  "scan-backward-plain": scanBackwardPlain,
  "scan-backward-full": scanBackwardFull,
  "scan-backward-range": scanBackwardRange,
  "conv-backward-plain": convBackwardPlain,
  "conv-backward-full": convBackwardFull,
  "conv-backward-range": convBackwardRange,
  "norm-backward": normBackward,
  "norm-backward-weightless": normBackwardWeightless,
  "loss-backward": lossBackward,
  "ssd-backward-plain": ssdBackwardPlain,
  "ssd-backward-full": ssdBackwardFull,
  "ssd-backward-range": ssdBackwardRange,
  "gated-norm-backward": gatedNormBackward,
  "gated-norm-backward-first": gatedNormBackwardFirst,
  "block-backward": blockBackward,
  "block-backward-jamba": blockBackwardJamba,
  "block-backward-bidirectional": blockBackwardBidirectional,
  "sequence-mean": sequenceMean,
  "sequence-tokens-last": sequenceTokensLast,
  "sequence-tokens-max": sequenceTokensMax,
  "vision-mamba": visionMamba,
  "vision-mamba-mean": visionMambaMean,
};

export type GoldenName = keyof typeof files;

/** Every golden that `loadGolden` has. */
export const goldenNames = Object.keys(files) as readonly GoldenName[];

/** A float32 tensor of a golden, row-major. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Inputs, parameters and results of one computation in PyTorch float64. */
export interface Golden {
  readonly tensors: Readonly<Record<string, GoldenTensor>>;
  /** The options, the sizes that no shape shows, and under `outputs` the names of the results. */
  readonly meta: Readonly<Record<string, unknown>> & { readonly outputs: readonly string[] };
}

/**
 * Loads values from PyTorch in float64 (`tooling/reference/make_goldens.py`). They are embedded in the package, so that a
 * browser has them too. Inputs are exact in float32, results are rounded to it.
 *
 * - `scan-*`: the arguments of `selectiveScan` by name -> `y`, `finalState`; `meta.deltaSoftplus`, `meta.range`, the real
 *   positions [start, end) of each row
 * - `conv-*`: the arguments of `causalConv1d` by name -> `y`, `finalState`; `meta.activation`, `meta.range`
 * - `block*`: `x` [B, L, dModel] and the parameters by their checkpoint names -> `y`, and the state of the layer after it,
 *   `convInputs` [B, dInner, dConv-1], oldest first, and `state` [B, dInner, dState]; `meta.innerNorms` is none, jamba
 *   (weighted) or falcon (weightless), `meta.innerNormsEps` their epsilon
 * - `bidirectional*`: `x` and the parameters of a Vision Mamba block (second direction: `conv1d_b.*`, `x_proj_b.weight`,
 *   `dt_proj_b.*`, `A_b_log`, `D_b`) -> `y`; `meta.divideOutput`
 *
 * The goldens with `-backward` in their name hold gradients by autograd. Besides the arguments they have the gradients of the
 * results, `dy` (`dLoss` [1] for a loss) and `dFinalState`; their outputs are those of the forward and `d_<name>` for every
 * argument and parameter.
 *
 * - `scan-backward-*`, `conv-backward-*`: as above
 * - `ssd-backward-*`: the arguments of `ssdScan` by name; `meta.heads`, `meta.groups`, `meta.range`
 * - `gated-norm-backward*`: the arguments of `gatedRmsNorm` by name; `meta.groups`, `meta.eps`, `meta.normBeforeGate`
 * - `norm-backward*`: `x`, `weight` of an RMS norm, `meta.eps`
 * - `loss-backward`: `logits`, `meta.targets` of the cross-entropy -> `loss`
 * - `block-backward`, `block-backward-jamba` (with biases), `block-backward-bidirectional`: as above
 *
 * Whole models have their `meta.config` as core resolves it, their parameters by their names and shapes in files, and gradients too.
 *
 * - `sequence-mean`: `x` [B, L, C] -> `y`; `sequence-tokens-*`: `meta.ids` -> `y`; `dY` flows in
 * - `vision-mamba`, `vision-mamba-mean`: `images` [B, H, W, C] -> `logits`, into which `dLogits` flows. The first has `pos_embed` for
 *   images of `meta.resized` too, as `resized_bicubic` and `resized_bilinear`
 */
export function loadGolden(name: GoldenName): Golden {
  const bytes = fromBase64(files[name]);
  const view = new DataView(bytes.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  // The header is ASCII, and spaces make the data start at a multiple of eight.
  const { __metadata__: metadata, ...entries } = JSON.parse(
    Array.from(bytes.subarray(8, start), (code) => String.fromCharCode(code)).join(""),
  ) as { __metadata__: { meta: string } } & Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = Object.entries(entries).map(([key, entry]) => {
    const [from, to] = entry.data_offsets;
    return [key, { shape: entry.shape, data: new Float32Array(bytes.buffer, start + from, (to - from) / 4) }];
  });
  return {
    tensors: Object.fromEntries(tensors) as Record<string, GoldenTensor>,
    meta: JSON.parse(metadata.meta) as Golden["meta"],
  };
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** `atob` belongs to the DOM and `Buffer` to Node. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = text.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((characters.length * 3) / 4));
  let held = 0;
  let at = 0;
  for (let i = 0; i < characters.length; i++) {
    held = (held << 6) | alphabet.indexOf(characters[i]!);
    if (i % 4 !== 0) bytes[at++] = (held >>> (6 - 2 * (i % 4))) & 0xff;
  }
  return bytes;
}
