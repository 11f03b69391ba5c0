import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";

/**
 * Checks an option that names a type. Files are named after types in capitals, options are not.
 *
 * @throws CheckpointError `DTYPE`
 */
export function checkType(option: string, value: string | undefined, types: readonly string[]): void {
  if (value === undefined || types.includes(value)) return;
  throw new CheckpointError(
    "DTYPE",
    `option ${option} must be one of ${types.join(", ")}, got ${show(value)}`,
  );
}
