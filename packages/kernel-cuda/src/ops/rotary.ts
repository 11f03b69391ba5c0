import type { RotaryArgs } from "@mamba/kernel";
import type { Op, Own } from "../op.ts";

/** Threads per block. */
export const rotaryBlock = 256;

/** The words of RotarySizes in cuda/rotary.cuh. */
export function rotaryWords(
  { batch, length, heads, headDim, pairs }: Parameters<Op<"rotary">>[1],
  { x, angles, pairing, anglesPerHead, inverse }: Own<RotaryArgs>,
): Uint32Array {
  const flags = [pairing === "interleaved" ? 1 : 0, anglesPerHead ? pairs : 0, inverse ? 1 : 0];
  return Uint32Array.of(batch * length, heads, headDim, pairs, x.rowStride, angles.rowStride, ...flags);
}

export const rotary: Op<"rotary"> = (runtime, sizes, args) => {
  const op = "rotary";
  const { batch, length, heads, headDim, pairs } = sizes;
  const y = runtime.result(op, args.x.shape);
  const blocks = Math.ceil((batch * length * heads * (headDim - pairs)) / rotaryBlock);
  runtime.launch(op, op, blocks, rotaryBlock, [args.x, args.angles, y, rotaryWords(sizes, args)]);
  return y;
};
