import { checkKeys } from "../../checkOptions.ts";
import { check, checkChoice, checkDropout, checkFlag, checkWhole } from "../../layers/checkField.ts";
import {
  type Fields,
  type MambaConfig,
  type MambaConfigInput,
  mambaFields,
  resolveConfig,
} from "../../layers/mambaConfig.ts";
import type { StackSpec } from "../../layers/stack.ts";

/** The input of a sequence model: numbers f32 [B, L, channels], or ids i32 [B, L] from 0 to vocabSize - 1. */
export type SequenceInput =
  | { readonly kind: "values"; readonly channels: number }
  | { readonly kind: "tokens"; readonly vocabSize: number };

/** A model of sequences: an input projection or an embedding, a stack, pooling, and a head. */
export interface SequenceConfig extends MambaConfig {
  readonly input: SequenceInput;
  /** A causal model reads from the first position on and can go on from a state; a bidirectional one reads the whole input. Default "causal". */
  readonly direction: "causal" | "bidirectional";
  /** Halve the sum of the two directions of each block. For bidirectional models; default true. */
  readonly divideOutput: boolean;
  /** "none" gives a result for each position; "last" takes the last position of each sequence, "mean" and "max" all of them. */
  readonly pooling: "none" | "last" | "mean" | "max";
  /** Numbers of each result: classes, or values. */
  readonly outputs: number;
  /** Probability of dropout, in training, on the embedded input and on what each layer adds to it. Default 0. */
  readonly dropout: number;
  /** A stack of one's own instead of equal Mamba layers. Such a model cannot be saved with its config. Default undefined. */
  readonly stack: StackSpec | undefined;
}

/** The fields of every sequence model. */
type Ends = Pick<SequenceConfig, "input" | "pooling" | "outputs"> &
  Fields<Pick<SequenceConfig, "direction" | "dropout">>;

/** The fields that a caller gives: those without a default, and any other field; or those around a stack of one's own. */
export type SequenceConfigInput = Ends &
  (
    | (MambaConfigInput & Fields<Pick<SequenceConfig, "divideOutput">> & { readonly stack?: undefined })
    | (Fields<Pick<MambaConfig, "initializerRange">> & { readonly stack: StackSpec })
  );

const ownFields = ["input", "direction", "divideOutput", "pooling", "outputs", "dropout", "stack"] as const;

/** Largest number of channels, ids or outputs. */
const maxWidth = 2 ** 24;

/**
 * Fills in the defaults and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function resolveSequenceConfig(config: SequenceConfigInput): SequenceConfig {
  checkKeys("config", "field", config, [...ownFields, ...mambaFields], "CONFIG");
  const { input, direction = "causal", pooling, outputs, dropout = 0, stack, ...rest } = config;
  const fields: Fields<SequenceConfig> = rest;
  const { divideOutput = true, ...block } = fields;
  checkInput(input);
  checkChoice("direction", direction, ["causal", "bidirectional"]);
  checkFlag("divideOutput", divideOutput);
  checkChoice("pooling", pooling, ["none", "last", "mean", "max"]);
  checkWhole("outputs", outputs, 1, maxWidth);
  checkDropout(dropout);
  const resolved = resolveConfig(stack ? blockOfStack(stack, fields) : (block as MambaConfigInput));
  return {
    input: { ...input },
    direction,
    divideOutput,
    pooling,
    outputs,
    dropout,
    ...resolved,
    stack,
  };
}

/** The fields of `MambaConfig` that a stack of one's own has: its sizes, and the start of the embedding and the head. */
function blockOfStack(stack: StackSpec, fields: Fields<SequenceConfig>): MambaConfigInput {
  check("stack", stack, isStack(stack), "a StackSpec");
  const { initializerRange, ...others } = fields;
  for (const [field, value] of Object.entries<unknown>(others)) {
    check(field, value, value === undefined, "left out beside stack, which has layers of its own");
  }
  const { dModel, norm, layers } = stack;
  return { dModel, nLayers: layers.length, rmsNormEps: norm.eps, initializerRange };
}

function isStack({ layers, norm }: Partial<StackSpec>): boolean {
  return Array.isArray(layers) && typeof norm?.eps === "number";
}

function checkInput(input: SequenceInput): void {
  const kind = (input as Partial<SequenceInput> | undefined)?.kind;
  check(
    "input",
    input,
    kind === "values" || kind === "tokens",
    '{ kind: "values", … } or { kind: "tokens", … }',
  );
  const size = input.kind === "values" ? "channels" : "vocabSize";
  checkKeys("config field input", "field", input, ["kind", size], "CONFIG");
  checkWhole(`input.${size}`, input.kind === "values" ? input.channels : input.vocabSize, 1, maxWidth);
}
