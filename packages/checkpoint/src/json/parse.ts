import { type JsonObject, parseJsonObject as parse } from "@mamba/core/safetensors";
import { rethrow } from "../errors.ts";

/** Largest config file in bytes. */
export const configCap = 2 ** 20;

/**
 * Parses UTF-8 JSON whose value must be an object. Repeated keys are refused; `NaN` and `Infinity`, which Python writes
 * into configs, are accepted.
 *
 * @param name for messages, which begin with it
 * @throws CheckpointError `JSON`, `DUPLICATE_KEY`
 */
export function parseJsonObject(bytes: Uint8Array, name: string): JsonObject {
  try {
    return parse(bytes, name, true);
  } catch (error) {
    return rethrow(error);
  }
}
