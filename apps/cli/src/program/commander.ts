import * as commander from "commander";
import type * as typings from "@commander-js/extra-typings";

// commander with option types inferred from the option strings. The typings package has no code of its own.
export const { Argument, Command, CommanderError, Option } = commander as unknown as typeof typings;
export type AnyCommand = typings.CommandUnknownOpts;
