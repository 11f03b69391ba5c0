import type { JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";

/** Most characters that a decoder may make of one token, or hold back. */
const maxText = 2 ** 20;

/** The memory of a stage between two texts: a JSON object of a few short fields. */
export type StageState = Record<string, boolean | number | string | null>;

/**
 * One decoder of a tokenizer.json as a stage of a pipeline. A stage turns texts (at first those of the tokens) into other texts, in
 * order. It returns a text as soon as no later one can change it, so that the texts of all `push` and of `end` are those of the
 * whole list, however long it becomes.
 */
export interface Stage {
  /** The state before the first text. */
  start(): StageState;
  /** Takes the next text. */
  push(state: StageState, text: string): string[];
  /** The texts that are left when no other follows. */
  end(state: StageState): string[];
}

/** A stage that changes each text on its own. */
export function eachText(change: (text: string) => string): Stage {
  return { start: () => ({}), push: (_, text) => [change(text)], end: () => [] };
}

/** True when a JSON value has the fields of a state, with the same types. */
export function isStateLike(json: JsonObject, start: StageState): boolean {
  const fields = Object.keys(start);
  const isLike = (field: string): boolean => {
    const [found, initial] = [json[field], start[field]];
    if (initial === null) return found === null || typeof found === "string";
    if (typeof initial === "number") return Number.isSafeInteger(found);
    return typeof found === typeof initial;
  };
  return Object.keys(json).length === fields.length && fields.every(isLike);
}

/** @throws CheckpointError `TOKENIZER` above the most characters that a decoder may make of one token */
export function checkLength(characters: number): void {
  if (characters <= maxText) return;
  const message = `tokenizer.json: decoder: makes ${characters} characters of one token, and may make ${maxText}`;
  throw new CheckpointError("TOKENIZER", message);
}
