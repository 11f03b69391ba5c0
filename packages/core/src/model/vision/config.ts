import { checkKeys } from "../../checkOptions.ts";
import { check, checkChoice, checkDropout, checkFlag, checkWhole } from "../../layers/checkField.ts";
import {
  type Fields,
  type MambaConfig,
  type MambaConfigInput,
  mambaFields,
  resolveConfig,
} from "../../layers/mambaConfig.ts";

/** Vision Mamba (Zhu et al. 2024, arXiv:2401.09417), a model of images. */
export interface VisionConfig extends MambaConfig {
  /** Pixels of an image. */
  readonly height: number;
  readonly width: number;
  /** Numbers of each pixel: 1 for grey, 3 for colours. */
  readonly channels: number;
  /** Pixels of each side of a patch. */
  readonly patchSize: number;
  /** Pixels from one patch to the next; smaller than `patchSize`, patches overlap. Default `patchSize`. */
  readonly stride: number;
  readonly classes: number;
  /** The head reads the hidden state of a learned "class" token, or the "mean" over the patches, without a class token. Default "class". */
  readonly pooling: "class" | "mean";
  /** The place of the class token among the patches. Default "middle", before patch N/2 rounded down. */
  readonly classToken: "middle" | "first" | "last";
  /** Halve the sum of the two directions of each block. Default true. */
  readonly divideOutput: boolean;
  /** Probability of dropout, in training, on the embedded patches and on what each layer adds to them. Default 0. */
  readonly dropout: number;
}

type Sizes = "height" | "width" | "channels" | "patchSize" | "classes";

/** The fields that a caller gives: the sizes without a default, and any other field. */
export type VisionConfigInput = MambaConfigInput & Pick<VisionConfig, Sizes> & Fields<VisionConfig>;

const ownFields = [
  "height",
  "width",
  "channels",
  "patchSize",
  "stride",
  "classes",
  "pooling",
  "classToken",
  "divideOutput",
  "dropout",
] as const;

/** Largest height and width in pixels. */
const maxSide = 2 ** 16;

/**
 * Fills in the defaults and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function resolveVisionConfig(input: VisionConfigInput): VisionConfig {
  checkKeys("config", "field", input, [...ownFields, ...mambaFields], "CONFIG");
  const {
    height,
    width,
    channels,
    patchSize,
    stride = patchSize,
    classes,
    pooling = "class",
    classToken = "middle",
    divideOutput = true,
    dropout = 0,
    ...block
  } = input;
  checkWhole("height", height, 1, maxSide);
  checkWhole("width", width, 1, maxSide);
  checkWhole("channels", channels, 1, 4096);
  checkWhole("patchSize", patchSize, 1, Math.min(height, width));
  checkWhole("stride", stride, 1, patchSize);
  for (const [field, side] of Object.entries({ height, width })) {
    const rule = `patchSize and a multiple of ${stride === patchSize ? "it" : "stride"}: ${patchSize} + k * ${stride}`;
    check(field, side, (side - patchSize) % stride === 0, rule);
  }
  checkWhole("classes", classes, 1, 2 ** 24);
  checkChoice("pooling", pooling, ["class", "mean"]);
  checkChoice("classToken", classToken, ["middle", "first", "last"]);
  checkFlag("divideOutput", divideOutput);
  checkDropout(dropout);
  return {
    height,
    width,
    channels,
    patchSize,
    stride,
    classes,
    pooling,
    classToken,
    divideOutput,
    dropout,
    ...resolveConfig(block),
  };
}

/** Rows and columns of the grid of patches. */
export function patchGrid({
  height,
  width,
  patchSize,
  stride,
}: Pick<VisionConfig, "height" | "width" | "patchSize" | "stride">): readonly [
  rows: number,
  columns: number,
] {
  return [(height - patchSize) / stride + 1, (width - patchSize) / stride + 1];
}

/** The position of the class token among `patches` patches; undefined without one. */
export function classPosition(
  { pooling, classToken }: Pick<VisionConfig, "pooling" | "classToken">,
  patches: number,
): number | undefined {
  if (pooling === "mean") return undefined;
  const places = { first: 0, middle: Math.floor(patches / 2), last: patches };
  return places[classToken];
}
