import type { Json, JsonObject } from "@mamba/core/safetensors";
import { usage } from "../program/errors.ts";

/**
 * The variables of a template: `enable_thinking=false` is a boolean, `date=today` a text. A value that is JSON is read as such.
 *
 * @throws CliError `USAGE`
 */
export function readVariables(texts: readonly string[]): JsonObject {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name = "", value = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
      if (name === "")
        throw usage(
          `--variable must be a name and a value, such as enable_thinking=false, got ${JSON.stringify(text)}`,
        );
      return [name, valueOf(value)];
    }),
  );
}

function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
