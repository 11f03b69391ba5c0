import type { Bound } from "./args.ts";
import type { Budget } from "./budget.ts";
import type { Args, Value } from "./values.ts";

/** The value that a filter changes, with its arguments. */
export interface FilterCall extends Args {
  readonly budget: Budget;
  readonly value: Value;
  /** The arguments by the names of the filter's parameters. */
  readonly bind: (...parameters: string[]) => Bound;
  /** Applies another filter to a value. */
  readonly apply: (name: string, value: Value, args: Args) => Value;
}

export type Filter = (call: FilterCall) => Value;
