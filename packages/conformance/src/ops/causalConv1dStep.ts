import { type CaseInput, defineCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, result } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, manyRows, W } from "../opSuite.ts";
import { flagLabel, type Flags, pairwise } from "../pairwise.ts";
import { Random } from "../random.ts";
import { causalConv1d, type ConvValues } from "./causalConv1d.ts";

/** One token, x [B, D]: the convolution over a sequence of length 1, with the state before and after it. */
function reference(
  batch: number,
  channels: number,
  width: number,
  state: Values,
  args: Omit<ConvValues, "initialState" | "sequenceIds">,
): { y: Float64Array; state: Float64Array } {
  const { y, finalState } = causalConv1d.reference(batch, 1, channels, width, {
    ...args,
    initialState: state,
  });
  return { y, state: finalState };
}

const stepFlags = ["bias", "silu", "view"] as const;
type StepFlags = Flags<(typeof stepFlags)[number]>;

/** @param isSequence true for x [B, 1, D] */
function build(B: number, D: number, W: number, flags: StepFlags, isSequence = false): OpCase {
  const label = `B${B} D${D} W${W}${flagLabel(flags)}${isSequence ? ", a sequence of one position" : ""}`;
  const shape = isSequence ? [B, 1, D] : [B, D];
  const activation = flags.silu ? ("silu" as const) : undefined;
  return defineCase({
    op: "causalConv1dStep",
    label,
    sizes: { B, D, W },
    cost: {
      flops: B * D * (2 * W + (flags.silu ? 4 : 0)),
      bytes: bytesOf(2 * B * D * W + D * (W + (flags.bias ? 1 : 0))),
    },
    inputs: () => {
      const random = new Random(`causalConv1dStep ${label}`);
      const x = floats(random.normals(B * D), shape);
      const state: CaseInput = floats(random.normals(B * D * (W - 1)), [B, D, W - 1]);
      return {
        state: { ...state, inPlace: true as const },
        x: flags.view ? asView(x, D, 0) : x,
        weight: floats(random.normals(D * W, W ** -0.5), [D, W]),
        bias: flags.bias ? floats(random.normals(D), [D]) : undefined,
      };
    },
    run: (kernel, { state, ...args }) => ({ y: kernel.causalConv1dStep(state, { ...args, activation }) }),
    reference: ({ state, ...args }) => {
      const after = reference(B, D, W, state, { ...args, activation });
      return { y: result(shape, after.y), state: result([B, D, W - 1], after.state) };
    },
  });
}

const model = { bias: true, silu: true, view: false };

export const causalConv1dStep = defineOp("causalConv1dStep", {
  reference,
  cases: [
    ...pairwise(stepFlags).flatMap((flags) => [build(1, 33, 4, flags), build(3, 5, 3, flags)]),
    ...[1, 3, 17, 130].map((D, i) => build((i % 2) + 1, D, cycled([2, 3, 4, 5], i), model)),
    build(9, 7, 16, model),
    build(3, 10, 4, { ...model, view: true }, true),
  ],
  benchmarks: [build(1, 1536, 4, model), build(8, 1536, 4, model)],
  minimal: {
    args: { x: f32(B, D), weight: f32(D, W), bias: f32(D), state: f32(B, D, W - 1) },
    dense: ["weight", "state"],
    writes: ["state"],
    call: (k, { state, ...args }) => [k.causalConv1dStep(state, args)],
  },
  rows: {
    arguments: ["x", "state"],
    many: [build(manyRows, 70, 4, model), build(manyRows, 5, 3, { ...model, view: true })],
  },
});
