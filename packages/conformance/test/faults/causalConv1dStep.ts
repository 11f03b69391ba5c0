import { causalConv1dStep } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const causalConv1dStepFaults = [
  fault("causalConv1dStep", "conv step: does not shift its state", (arena, sizes, state, args) => {
    const before = state.dense();
    const y = causalConv1dStep(arena, sizes, state, args);
    state.elements.set(before);
    return y;
  }),
];
