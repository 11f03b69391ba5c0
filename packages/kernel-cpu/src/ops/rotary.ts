import type { RotaryArgs } from "@mamba/kernel";
import type { Op, Own } from "../op.ts";

export const rotary: Op<"rotary"> = (runtime, sizes, args) => {
  const y = runtime.result("rotary", args.x.shape);
  const rotaryArgs = argsOf(args, sizes);
  // A nanosecond for an element.
  runtime.run("rotary", { rotaryArgs, y }, rotaryArgs.rows * sizes.heads * sizes.headDim);
  return y;
};

export const rotaryBackwardAngles: Op<"rotaryBackwardAngles"> = (runtime, sizes, dy, args) => {
  const op = "rotaryBackwardAngles";
  const dAngles = runtime.result(op, args.angles.shape);
  const rotaryArgs = argsOf(args, sizes);
  const record = { rotaryArgs, dy, dAngles, dyStride: dy.rowStride };
  runtime.run(op, record, 2 * rotaryArgs.rows * sizes.heads * sizes.headDim);
  return dAngles;
};

/** The fields that the records of both jobs have in common. */
function argsOf(args: Own<RotaryArgs>, sizes: Parameters<Op<"rotary">>[1]) {
  const { x, angles, pairing, anglesPerHead = false, inverse = false } = args;
  const { batch, length, heads, headDim, pairs } = sizes;
  return {
    ...{ x, angles, heads, headDim, pairs, inverse },
    rows: batch * length,
    xStride: x.rowStride,
    anglesStride: angles.rowStride,
    perHead: anglesPerHead,
    interleaved: pairing === "interleaved",
  };
}
