import type { Op } from "../op.ts";
import { poolingShader, poolPositions } from "../shared/poolPositions.ts";
import { nan } from "../wgsl/math.ts";

// y = sum(x) / count
const meanPositionsShader = poolingShader({
  name: "meanPositions",
  element: "f32",
  type: "vec2<f32>",
  helpers: nan,
  none: "vec2<f32>(0.0)",
  next: "a + vec2<f32>(value, 1.0)",
  combined: "a + b",
  write: { y: "f32" },
  store: "y[i] = select(a.x / a.y, nan(), a.y == 0.0);",
});

export const meanPositions: Op<"meanPositions"> = (runtime, sizes, args) => {
  const y = runtime.result("meanPositions", [sizes.sequences, sizes.channels]);
  poolPositions(runtime, "meanPositions", meanPositionsShader, sizes, args, { y });
  return y;
};
