import type { Op } from "../op.ts";

export const flip: Op<"flip"> = (runtime, { batch, length, channels }, x) => {
  const y = runtime.result("flip", x.shape);
  const record = { x, y, batch, length, channels, xStride: x.rowStride };
  runtime.run("flip", record, 0.3 * batch * length * channels);
  return y;
};
