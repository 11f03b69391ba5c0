import type { Json, JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import type { Component } from "../component.ts";

/** The parts of a tokenizer.json that its metadata are made of. */
export interface TokenizerParts {
  readonly json: JsonObject;
  readonly model: Component;
  /** The tokens of the model by their texts. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Texts and types by id; ids without a token are missing. */
  readonly tokens: Map<number, { readonly text: string; readonly type: number }>;
}

/** The metadata that depend on the kind of tokenizer. */
export interface WrittenKind {
  readonly model: "gpt2" | "llama";
  readonly pre?: string;
  readonly addsBlank: boolean;
  /** Pairs as "left right". */
  readonly merges?: readonly string[];
  readonly scoreOf?: (id: number) => number;
}

/** The merges of a model. */
export function pairsOf(model: Component): [left: string, right: string][] {
  return (model.list("merges", Infinity) ?? []).map((merge) => {
    const [left, right] =
      typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? (merge as Json[]) : [];
    if (typeof left === "string" && typeof right === "string") return [left, right];
    throw cannotWrite(`${JSON.stringify(merge)} is no merge`);
  });
}

/** The types of components, for messages. */
export function typesOf(components: readonly Component[]): string {
  return components.length === 0 ? "none" : components.map(({ type }) => type).join(", ");
}

/** The error for a tokenizer that GGUF has no form for. */
export function cannotWrite(reason: string): CheckpointError {
  return new CheckpointError("TOKENIZER", `the tokenizer cannot be written to GGUF: ${reason}`);
}
