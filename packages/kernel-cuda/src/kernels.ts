// The compiled GPU kernels and their parameters, from the table that `scripts/buildKernels.mjs` writes.

import table from "../generated/kernels.json" with { type: "json" };

export type KernelName = keyof typeof table.kernels;

/** The layout of a GPU kernel's arguments in a record. */
export interface Signature {
  /** Index of the GPU kernel in the addon. */
  readonly index: number;
  /** Kind of each parameter: p an address, u a word, f a float, w a struct of words. */
  readonly kinds: readonly string[];
  /** Offset of each argument from the end of the record's header, in words. */
  readonly at: readonly number[];
  /** Size of each argument in words. */
  readonly sizes: readonly number[];
  readonly bytes: number;
}

/** Names of all GPU kernels, in the order of their indices in the addon. */
export const kernelNames = Object.keys(table.kernels) as KernelName[];

export const signatures = Object.fromEntries(
  kernelNames.map((name, index) => [name, signature(index, table.kernels[name])]),
) as Readonly<Record<KernelName, Signature>>;

/** @param code the kinds of all parameters in order; w is followed by its number of words */
function signature(index: number, code: string): Signature {
  const params = code.match(/[puf]|w\d+/g) ?? [];
  const kinds = params.map((param) => param.charAt(0));
  const sizes = params.map((param) => (param === "p" ? 2 : Number(param.slice(1) || 1)));
  let end = 0;
  const at = sizes.map((size, i) => {
    // Addresses are aligned to 8 bytes.
    const start = kinds[i] === "p" ? Math.ceil(end / 2) * 2 : end;
    end = start + size;
    return start;
  });
  return { index, kinds, at, sizes, bytes: end * 4 };
}
