import { readArgs, type Flags, type Values } from "./args.ts";
import type { Host } from "./host.ts";

/** A subcommand: what its help says, its flags, and what it does. */
export interface Command {
  readonly meta: { readonly name: string; readonly description: string };
  readonly args: Flags;
  /** @throws CliError `USAGE` before anything was done; any other error on failure. */
  run(args: readonly string[], host: Host): Promise<void>;
}

/** Ties flags to the code that uses them, so that their types agree. */
export function command<const F extends Flags>(definition: {
  name: string;
  description: string;
  args: F;
  run: (values: Values<F>, host: Host) => Promise<void>;
}): Command {
  const { name, description, args, run } = definition;
  return {
    meta: { name, description },
    args,
    run: async (given, host) => run(readArgs(given, args), host),
  };
}
