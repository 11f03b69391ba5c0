import { checkSelectiveStateUpdate, type StateUpdateArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { writeScanInputs } from "./selectiveScan.ts";

export function selectiveStateUpdate(runtime: Runtime, state: Tensor, update: StateUpdateArgs): Tensor {
  const { batch, channels, stateSize } = checkSelectiveStateUpdate(state, update);
  const op = "selectiveStateUpdate";
  runtime.checkOpen(op);
  const { args } = runtime;
  args[8] = runtime.at(op, "state", state);
  args[9] = 0;
  writeScanInputs(runtime, op, update);
  const y = runtime.result(op, update.u.shape);
  args[10] = y.address;
  args[11] = args[8];
  args[12] = batch;
  args[13] = 1;
  args[14] = channels;
  args[15] = stateSize;
  runtime.run(op, (8 + stateSize) * batch * channels);
  return y;
}
