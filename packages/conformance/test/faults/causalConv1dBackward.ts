import { reference } from "../../src/index.ts";
import { gradientsOf, type Op, valuesOf } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";
import { asOne, late, newAfterPadding, withoutEnds } from "./sequenceIds.ts";

type Gradients = typeof reference.causalConv1dBackward;
type Changes = Partial<Parameters<Gradients>[5]>;

const right = reference.causalConv1dBackward;

/** A convolution with these gradients. */
const wrong = (name: string, gradients: Gradients, seenBy = /^causalConv1dBackward /): Fault => {
  const implementation: Op<"causalConv1dBackward"> = (arena, sizes, dy, args, dFinalState) => {
    const { batch, length, channels, width } = sizes;
    const values = { ...valuesOf(args), activation: args.activation };
    const dState = dFinalState?.values();
    return gradientsOf(arena, args, {
      ...gradients(batch, length, channels, width, dy.values(), values, dState),
    });
  };
  return fault("causalConv1dBackward", `conv backward: ${name}`, implementation, seenBy);
};

/** The gradients of other arguments. */
const of =
  (changes: Changes): Gradients =>
  (B, L, D, W, dy, values, dFinalState) =>
    right(B, L, D, W, dy, { ...values, ...changes }, dFinalState);

/** The gradients of other sequences. */
const ofIds =
  (change: (ids: ArrayLike<number>, length: number) => Int32Array): Gradients =>
  (B, L, D, W, dy, values, dFinalState) => {
    const sequenceIds = values.sequenceIds && change(values.sequenceIds, L);
    return right(B, L, D, W, dy, { ...values, sequenceIds }, dFinalState);
  };

export const causalConv1dBackwardFaults = [
  wrong("ignores the activation", of({ activation: undefined })),
  wrong("ignores sequenceIds", of({ sequenceIds: undefined })),
  wrong(
    "ignores sequenceIds, seen by the law",
    of({ sequenceIds: undefined }),
    /^laws: gradient of a conv of -4 a9 /,
  ),
  wrong("does not start sequences", ofIds(asOne), /^causalConv1dBackward .*\+sequenceIds/),
  wrong("does not start sequences, seen by the law", ofIds(asOne), /^laws: gradient of a conv of a5 b1 /),
  wrong("starts a sequence after padding", ofIds(newAfterPadding), /^laws: gradient of a conv of -2 a3 -1 /),
  wrong("starts a sequence one position late", ofIds(late), /^causalConv1dBackward .*\+sequenceIds/),
  wrong("takes padding for real", ofIds(withoutEnds), /^causalConv1dBackward .*\+sequenceIds/),
  wrong("ignores initialState", of({ initialState: undefined })),
  wrong("takes the slope of silu without the bias", of({ bias: undefined })),
  wrong("ignores dFinalState", (B, L, D, W, dy, values) => right(B, L, D, W, dy, values)),
  wrong(
    "ignores dFinalState, seen by the law of chunks",
    (B, L, D, W, dy, values) => right(B, L, D, W, dy, values),
    /^laws: gradient of a conv of \d+ =/,
  ),
  wrong("the initial state gets nothing past a short sequence", (B, L, D, W, dy, values, dFinalState) => {
    const grads = right(B, L, D, W, dy, values, dFinalState);
    return L < W - 1 ? { ...grads, initialState: right(B, L, D, W, dy, values).initialState } : grads;
  }),
  wrong("the taps are turned round", (...args) => {
    const grads = right(...args);
    const W = args[3];
    const at = (i: number) => i - (i % W) + (W - 1 - (i % W));
    return { ...grads, weight: grads.weight.map((_, i) => grads.weight[at(i)] ?? NaN) };
  }),
];
