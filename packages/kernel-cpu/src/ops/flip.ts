import { checkFlip, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function flip(runtime: Runtime, x: Tensor): Tensor {
  const { batch, length, channels } = checkFlip(x);
  runtime.checkOpen("flip");
  const { args } = runtime;
  args[0] = runtime.at("flip", "x", x);
  const y = runtime.result("flip", x.shape);
  args[1] = y.address;
  args[2] = batch;
  args[3] = length;
  args[4] = channels;
  args[5] = x.rowStride;
  runtime.run("flip", 0.3 * batch * length * channels);
  return y;
}
