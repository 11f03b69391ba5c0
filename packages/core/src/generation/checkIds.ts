import { describe } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";

export function isTokenId(id: unknown, vocabSize: number): id is number {
  return typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocabSize;
}

/**
 * @param name of the ids, for the message: "prompt 0"
 * @throws MambaError `INPUT` unless `ids` is an array of ids in the model's vocabulary
 */
export function checkIds({ config }: MambaLM, ids: unknown, name: string): asserts ids is readonly number[] {
  if (!Array.isArray(ids)) throw new MambaError("INPUT", `${name} must be token ids, got ${describe(ids)}`);
  const index = ids.findIndex((id) => !isTokenId(id, config.vocabSize));
  if (index === -1) return;
  const rule = `whole numbers from 0 to ${config.vocabSize - 1}`;
  throw new MambaError(
    "INPUT",
    `token ids of ${name} must be ${rule}, got ${describe(ids[index])} at position ${index}`,
  );
}
