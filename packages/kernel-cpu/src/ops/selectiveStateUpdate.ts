import type { Op } from "../op.ts";
import { writeScanInputs } from "./selectiveScan.ts";
import { addressOf } from "../tensor.ts";

export const selectiveStateUpdate: Op<"selectiveStateUpdate"> = (
  runtime,
  { batch, channels, stateSize },
  state,
  update,
) => {
  const op = "selectiveStateUpdate";
  const { args } = runtime;
  args[8] = addressOf(state);
  args[9] = 0;
  writeScanInputs(runtime, update);
  const y = runtime.result(op, update.u.shape);
  args[10] = y.address;
  args[11] = args[8];
  args[12] = batch;
  args[13] = 1;
  args[14] = channels;
  args[15] = stateSize;
  runtime.run(op, (8 + stateSize) * batch * channels);
  return y;
};
