import { check, checkKnown, inRange } from "../layers/checkField.ts";
import {
  type Fields,
  type MambaConfig,
  type MambaConfigInput,
  parametrization,
  resolveConfig,
} from "../layers/mambaConfig.ts";

/** A language model: a stack of Mamba blocks between an embedding and a head. */
export interface MambaLMConfig extends MambaConfig {
  /** Token ids are 0 … vocabSize - 1. */
  vocabSize: number;
  /** The embedding table has `vocabSize` rounded up to a multiple of this. Default 1. */
  padVocabSizeMultiple: number;
  /** True when the head is the embedding table. Default true, with muP false. */
  tieEmbeddings: boolean;
}

/** The fields that a caller gives: the sizes without a default, and any other field. */
export type MambaLMConfigInput = MambaConfigInput & Pick<MambaLMConfig, "vocabSize"> & Fields<MambaLMConfig>;

/**
 * `resolveConfig` for a language model.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveLMConfig(input: MambaLMConfigInput): MambaLMConfig {
  const stack = resolveConfig(input);
  // muP starts the head at zero; a tied head would start the embedding at zero as well.
  const mayTie = !parametrization(stack).zeroStart;
  const config = {
    ...stack,
    vocabSize: input.vocabSize,
    padVocabSizeMultiple: input.padVocabSizeMultiple ?? 1,
    tieEmbeddings: input.tieEmbeddings ?? mayTie,
  };
  checkKnown("config", input, Object.keys(config));
  for (const field of ["vocabSize", "padVocabSizeMultiple"] as const) {
    const value = config[field];
    check(
      field,
      value,
      Number.isInteger(value) && inRange(value, 1, 2 ** 24),
      "a whole number from 1 to 2^24",
    );
  }
  check("tieEmbeddings", config.tieEmbeddings, typeof config.tieEmbeddings === "boolean", "true or false");
  const tied = config.tieEmbeddings;
  check("tieEmbeddings", tied, mayTie || !tied, "false when mupBaseWidth is given");
  return config;
}

/** Rows of the embedding table: `vocabSize` rounded up to a multiple of `padVocabSizeMultiple`. */
export function paddedVocabSize({ vocabSize, padVocabSizeMultiple }: MambaLMConfig): number {
  return Math.ceil(vocabSize / padVocabSizeMultiple) * padVocabSizeMultiple;
}
