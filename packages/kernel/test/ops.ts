import type { AllOps } from "../src/index.ts";
import type { OpDefinition } from "../src/op.ts";
import * as definitions from "../src/ops/index.ts";

/** The definitions with the signatures of the interface, so that optional arguments may be left out. */
export const ops: { readonly [K in keyof AllOps]: OpDefinition<AllOps[K]> } = definitions;
