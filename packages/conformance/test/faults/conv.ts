import type { ConvArgs, ConvStepArgs, Tensor } from "@mamba/kernel";
import { ReferenceKernel } from "../referenceKernel.ts";
import type { Fault } from "./fault.ts";

type Want = { finalState: true } | undefined;
const conv = /^causalConv1d /;

/** The taps moved by one: the convolution then sees one input too late. */
class OffByOne extends ReferenceKernel {
  override causalConv1d(args: ConvArgs, want?: Want) {
    if (args.weight.disposed || args.weight.dtype !== "f32") return super.causalConv1d(args, want);
    const width = args.weight.shape[1] ?? 1;
    const weight = this.values("causalConv1d", args.weight);
    using shifted = this.result(
      args.weight.shape,
      weight.map((_, i) => (i % width ? (weight[i - 1] as number) : 0)),
    );
    return super.causalConv1d({ ...args, weight: shifted }, want);
  }
}

class Changed extends ReferenceKernel {
  readonly #change: Partial<ConvArgs>;
  constructor(change: Partial<ConvArgs>) {
    super();
    this.#change = change;
  }
  override causalConv1d(args: ConvArgs, want?: Want) {
    return super.causalConv1d({ ...args, ...this.#change }, want);
  }
}

/** Keeps only what came in this call, as if the sequence were never shorter than the state. */
class ForgetsOldInputs extends ReferenceKernel {
  override causalConv1d(args: ConvArgs, want?: Want) {
    const results = super.causalConv1d(args, want);
    const [, length = 0] = args.x.shape;
    const past = (args.weight.shape[1] as number) - 1;
    if (want && length < past) {
      const state = this.own("causalConv1d", results.finalState).elements;
      const count = results.finalState.shape.reduce((a, b) => a * b);
      for (let i = 0; i < count; i++) if (i % past < past - length) state[i] = 0;
    }
    return results;
  }
}

/** Padding gets what the convolution of zeros gives: act(bias). */
class BiasInPadding extends ReferenceKernel {
  override causalConv1d(args: ConvArgs, want?: Want) {
    const results = super.causalConv1d(args, want);
    if (args.range && args.bias) {
      const bias = this.values("causalConv1d", args.bias);
      const [, end = 0] = this.values("causalConv1d", args.range);
      const [, length = 0, channels = 0] = args.x.shape;
      if (end < length) this.own("causalConv1d", results.y).elements.set(bias, end * channels);
    }
    return results;
  }
}

class DoesNotShift extends ReferenceKernel {
  override causalConv1dStep(state: Tensor, args: ConvStepArgs) {
    if (state.disposed) return super.causalConv1dStep(state, args);
    const before = this.own("causalConv1dStep", state).dense();
    const y = super.causalConv1dStep(state, args);
    this.own("causalConv1dStep", state).elements.set(before);
    return y;
  }
}

export const convFaults: Fault[] = [
  { name: "conv: off by one", seenBy: conv, open: () => new OffByOne() },
  { name: "conv: forgets the bias", seenBy: conv, open: () => new Changed({ bias: undefined }) },
  { name: "conv: forgets the activation", seenBy: conv, open: () => new Changed({ activation: undefined }) },
  {
    name: "conv: ignores initialState",
    seenBy: /^laws: conv of \d+ = convs/,
    open: () => new Changed({ initialState: undefined }),
  },
  { name: "conv: ignores range", seenBy: /^laws: conv of \[/, open: () => new Changed({ range: undefined }) },
  { name: "conv: drops old inputs when L < W - 1", seenBy: conv, open: () => new ForgetsOldInputs() },
  { name: "conv: padding gets the bias", seenBy: conv, open: () => new BiasInPadding() },
  {
    name: "conv step: does not shift its state",
    seenBy: /^causalConv1dStep /,
    open: () => new DoesNotShift(),
  },
];
