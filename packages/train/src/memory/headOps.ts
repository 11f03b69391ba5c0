import type { AllOps, Grads, Shape, SsdArgs } from "@mamba/kernel";
import {
  AttentionResidual,
  type DeviceTensor,
  type OpImplementation,
  SsdResidual,
  type SsdSizes,
} from "@mamba/kernel/author";
import type { BackendScratch } from "./backendScratch.ts";
import { gradientsOf, likeFirst } from "./countedResults.ts";
import type { CountingTensors } from "./countingTensors.ts";

type Names =
  | "ssdScan"
  | "ssdScanForward"
  | "ssdScanBackward"
  | "ssdStateUpdate"
  | "discretize"
  | "discretizeBackward"
  | "gatedRmsNorm"
  | "gatedRmsNormBackward"
  | "attention"
  | "attentionForward"
  | "attentionBackward"
  | "cachedAttention"
  | "rotary"
  | "rotaryBackwardAngles"
  | "reluSquared"
  | "reluSquaredBackward";

type Table<K extends keyof AllOps> = {
  readonly [N in K]: OpImplementation<N, CountingTensors, DeviceTensor>;
};

const stateShape = ({ batch, heads, headDim, stateSize }: Omit<SsdSizes, "length">): Shape => [
  batch,
  heads,
  headDim,
  stateSize,
];
const ssdGradients = ["x", "B", "C", "logDecay", "weight", "D", "initialState"] as const;

/** The ops of heads, as their results: the scan of Mamba-2 and what belongs to it, and attention. */
export function headOps(scratch: BackendScratch): Table<Names> {
  return {
    ssdScan: (tensors, sizes, { x }, want) => {
      const y = tensors.result("ssdScan", x.shape);
      return want ? { y, finalState: tensors.result("ssdScan", stateShape(sizes)) } : { y };
    },
    ssdScanForward(tensors, sizes, { x }) {
      const op = "ssdScanForward";
      const states = tensors.result(op, scratch.ssdResidual(sizes));
      return {
        y: tensors.result(op, x.shape),
        finalState: tensors.result(op, stateShape(sizes)),
        residual: new SsdResidual(states, sizes),
      };
    },
    ssdScanBackward(tensors, sizes, _dy, args): Grads<SsdArgs> {
      const op = "ssdScanBackward";
      const gradients = gradientsOf(tensors, op, args, ssdGradients);
      tensors.scratch(op, scratch.ssdBackward(sizes));
      return gradients;
    },
    ssdStateUpdate: (tensors, _, _state, { x }) => tensors.result("ssdStateUpdate", x.shape),
    discretize: (tensors, { shape }) => tensors.result("discretize", shape),
    discretizeBackward: (tensors, _, _dy, args) =>
      gradientsOf(tensors, "discretizeBackward", args, ["dt", "bias", "A"]),
    gatedRmsNorm: (tensors, _, { x }) => tensors.result("gatedRmsNorm", x.shape),
    gatedRmsNormBackward: (tensors, _, _dy, args) =>
      gradientsOf(tensors, "gatedRmsNormBackward", args, ["x", "z", "weight"]),
    attention: (tensors, { batch, length, heads, valueDim }) =>
      tensors.result("attention", [batch, length, heads * valueDim]),
    attentionForward(tensors, sizes) {
      const op = "attentionForward";
      const { batch, length, heads, valueDim } = sizes;
      const logs = tensors.result(op, [batch, length, heads]);
      const y = tensors.result(op, [batch, length, heads * valueDim]);
      return { y, residual: new AttentionResidual(logs, sizes) };
    },
    attentionBackward: (tensors, _, _dy, args) =>
      gradientsOf(tensors, "attentionBackward", args, ["q", "k", "v"]),
    cachedAttention: (tensors, { batch, length, heads, valueDim }) =>
      tensors.result("cachedAttention", [batch, length, heads * valueDim]),
    rotary: (tensors, _, { x }) => tensors.result("rotary", x.shape),
    rotaryBackwardAngles: (tensors, _, _dy, { angles }) =>
      tensors.result("rotaryBackwardAngles", angles.shape),
    reluSquared: likeFirst("reluSquared"),
    reluSquaredBackward: likeFirst("reluSquaredBackward"),
  };
}
