import type { Op } from "../op.ts";
import { poolingShader, poolPositions } from "../shared/poolPositions.ts";
import { betterKey, keyOf } from "../wgsl/keys.ts";

// The largest x and the first position that has it. Numbers are compared by their bits, by which NaN is the largest; key 0 is that of
// no position.
const maxPositionsShader = poolingShader({
  name: "maxPositions",
  element: "u32",
  type: "vec2<u32>",
  helpers: keyOf + betterKey,
  none: "vec2<u32>(0u, 0xffffffffu)",
  next: "better(a, vec2<u32>(keyOf(value), at))",
  combined: "better(a, b)",
  write: { y: "u32", index: "i32" },
  store: `
  index[i] = i32(a.y);
  y[i] = 0x7fc00000u;
  if (a.x != 0u) { y[i] = x[p.x_at + a.y * p.x_stride + d]; }`,
});

export const maxPositions: Op<"maxPositions"> = (runtime, sizes, args) => {
  const op = "maxPositions";
  const shape = [sizes.sequences, sizes.channels];
  const y = runtime.result(op, shape);
  const index = runtime.result(op, shape, "i32");
  poolPositions(runtime, op, maxPositionsShader, sizes, args, { y, index });
  return { y, index };
};
