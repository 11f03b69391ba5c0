// The compiled kernels and the parameters that each takes, as `scripts/build-kernels.mjs` found them.

import table from "../generated/kernels.json" with { type: "json" };

export type KernelName = keyof typeof table.kernels;

/** Where the parameters of a kernel stand behind the header of its record, counted in words. */
export interface Signature {
  /** The kernel's number in the addon. */
  readonly index: number;
  /** What each takes: p an address, u a word, f a float, w some words of the host. */
  readonly kinds: readonly string[];
  readonly at: readonly number[];
  /** How many words each takes. */
  readonly sizes: readonly number[];
  readonly bytes: number;
}

/** All of them; a kernel's place is its number in the addon. */
export const kernelNames = Object.keys(table.kernels) as KernelName[];

export const signatures = Object.fromEntries(
  kernelNames.map((name, index) => [name, signature(index, table.kernels[name])]),
) as Readonly<Record<KernelName, Signature>>;

/** @param code the kinds one after the other; behind w stands the number of words */
function signature(index: number, code: string): Signature {
  const parts = code.match(/[puf]|w\d+/g) ?? [];
  const kinds = parts.map((part) => part.charAt(0));
  const sizes = parts.map((part) => (part === "p" ? 2 : Number(part.slice(1) || 1)));
  let end = 0;
  const at = sizes.map((size, i) => {
    // Addresses stand at multiples of 8 bytes.
    const start = kinds[i] === "p" ? Math.ceil(end / 2) * 2 : end;
    end = start + size;
    return start;
  });
  return { index, kinds, at, sizes, bytes: end * 4 };
}
