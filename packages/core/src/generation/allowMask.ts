import { describe } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import { isTokenId } from "./checkIds.ts";
import type { AllowedIds } from "./options.ts";

/** Words of a mask: bit `id % 32` of word `id >> 5`. */
export function maskWords(vocabSize: number): number {
  return Math.ceil(vocabSize / 32);
}

/** @throws MambaError `OPTIONS` when an id is not in the vocabulary, the mask has another length, or nothing is allowed */
export function allowMask(allowed: AllowedIds, vocabSize: number): Int32Array {
  const mask = "mask" in allowed ? checkMask(allowed.mask, vocabSize) : maskOf(allowed, vocabSize);
  // Bits above the vocabulary allow nothing.
  const used = vocabSize % 32;
  const last = used === 0 ? -1 : (1 << used) - 1;
  if (mask.some((word, i) => (i === mask.length - 1 ? (word & last) !== 0 : word !== 0))) return mask;
  throw new MambaError("OPTIONS", "option allow: no id is allowed");
}

function maskOf(allowed: { readonly ids: Iterable<number> }, vocabSize: number): Int32Array {
  const mask = new Int32Array(maskWords(vocabSize));
  const { ids } = allowed as { readonly ids?: Iterable<number> };
  if (typeof ids !== "object" || !(Symbol.iterator in ids)) {
    throw new MambaError("OPTIONS", `option allow must give { ids } or { mask }, got ids ${describe(ids)}`);
  }
  for (const id of ids) {
    if (!isTokenId(id, vocabSize)) {
      const rule = `ids from 0 to ${vocabSize - 1}`;
      throw new MambaError("OPTIONS", `option allow must name ${rule}, got ${describe(id)}`);
    }
    mask[id >> 5] = (mask[id >> 5] ?? 0) | (1 << (id & 31));
  }
  return mask;
}

function checkMask(mask: unknown, vocabSize: number): Int32Array {
  const words = maskWords(vocabSize);
  if (mask instanceof Int32Array && mask.length === words) return mask;
  const got = mask instanceof Int32Array ? `${mask.length} words` : describe(mask);
  throw new MambaError(
    "OPTIONS",
    `option allow: the mask must be an Int32Array of ${words} words, got ${got}`,
  );
}
