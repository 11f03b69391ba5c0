import type { Op } from "../op.ts";
import { convInputs } from "./causalConv1d.ts";
import { PartialSums } from "./partialSums.ts";

export const causalConv1dBackward: Op<"causalConv1dBackward"> = (runtime, sizes, dy, args, dFinalState) => {
  const op = "causalConv1dBackward";
  const { batch, length, channels, width } = sizes;
  const x = runtime.result(op, args.x.shape);
  const weight = runtime.result(op, args.weight.shape);
  const bias = args.bias && runtime.result(op, args.bias.shape);
  const initialState = args.initialState && runtime.result(op, args.initialState.shape);
  const sums = new PartialSums(runtime, op);
  try {
    const record = {
      convInputs: convInputs(args, sizes),
      dy,
      dyStride: dy.rowStride,
      dFinalState,
      dx: x,
      dWeight: sums.add(weight, batch),
      dBias: bias && sums.add(bias, batch),
      dInitialState: initialState,
    };
    runtime.run(op, record, (2 + 1.2 * width) * batch * length * channels);
    sums.finish();
  } finally {
    sums.free();
  }
  return { x, weight, ...(bias && { bias }), ...(initialState && { initialState }) };
};
