import type { Tensor } from "./tensor.ts";

type Function = (...args: never[]) => unknown;
type Names<A extends readonly unknown[]> = { readonly [I in keyof A]: string };

/**
 * Everything that all backends share about one op. `F` is the op's signature in the kernel interface; the object is
 * written next to it, in `ops/<op>.ts`, with `satisfies OpDefinition<…>`, which gives `check` its parameter types.
 */
export interface OpDefinition<F extends Function = (...args: never[]) => unknown> {
  /** Names of the parameters, in order, for error messages. The fields of a record argument go by their own names. */
  readonly parameters: Names<Required<Parameters<F>>>;
  /**
   * Checks the arguments of one call and returns the sizes that an implementation needs.
   *
   * @throws KernelError `ARGUMENT`, `DISPOSED`, `DTYPE` or `SHAPE`, naming the op, the argument, what was expected and
   * what came.
   */
  readonly check: (...args: Parameters<F>) => unknown;
  /** The arguments that the op writes in place. Default: none. */
  readonly writes?: (...args: Parameters<F>) => readonly Tensor[];
  /** Storage types that the op's weight may have: "any" but i32, or the default, "f32". */
  readonly weightStorage?: "any";
}
