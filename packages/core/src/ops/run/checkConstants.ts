import type { Tensor } from "@mamba/kernel";
import { MambaError } from "../../errors.ts";
import type { OpRun } from "./opRun.ts";

/**
 * Checks the arguments of an op into which no gradient flows: a tape that tracks one would miss its gradient.
 *
 * @throws MambaError `TAPE` when one depends on a tracked tensor
 */
export function checkConstants(
  run: OpRun,
  op: string,
  constants: Readonly<Record<string, Tensor | undefined>>,
): void {
  for (const [name, tensor] of Object.entries(constants)) {
    if (!run.recorder([tensor])) continue;
    throw new MambaError(
      "TAPE",
      `${op}: no gradient flows into ${name}, got one that depends on a tracked tensor`,
    );
  }
}
