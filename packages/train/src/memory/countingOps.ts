import type { AllOps, Grads, ScanArgs, Shape } from "@mamba/kernel";
import { type OpImplementation, type OpTable, ScanResidual, type ScanSizes } from "@mamba/kernel/author";
import type { DeviceTensor } from "@mamba/kernel/author";
import type { BackendScratch } from "./backendScratch.ts";
import { gradientsOf, likeFirst } from "./countedResults.ts";
import type { CountingTensors } from "./countingTensors.ts";
import { expertOps } from "./expertOps.ts";
import { headOps } from "./headOps.ts";

type Op<K extends keyof AllOps> = OpImplementation<K, CountingTensors, DeviceTensor>;

const likeRows =
  (op: string) =>
  (tensors: CountingTensors, sizes: { readonly shape: Shape }): DeviceTensor =>
    tensors.result(op, sizes.shape);

const stateShape = ({ batch, channels, stateSize }: ScanSizes): Shape => [batch, channels, stateSize];
const scanGradients = ["u", "delta", "A", "B", "C", "D", "z", "deltaBias", "initialState"] as const;

const write: Op<"write"> = () => undefined;

/** The ops as their results: shapes and lifetimes without values. A missing op is a compile error. */
export function countingOps(scratch: BackendScratch): OpTable<CountingTensors, DeviceTensor> {
  return {
    upload: (tensors, _data, shape, dtype) => tensors.result("upload", shape, dtype),
    zeros: (tensors, shape, dtype) => tensors.result("zeros", shape, dtype),
    write,
    copyInto: () => undefined,
    gatherRows: (tensors, _, x, rows) =>
      tensors.result("gatherRows", [rows.length, ...x.shape.slice(1)], x.dtype),
    accumulate: () => undefined,
    adamwStep: () => undefined,

    add: likeFirst("add"),
    sub: likeFirst("sub"),
    mul: likeFirst("mul"),
    div: likeFirst("div"),
    scale: likeFirst("scale"),
    exp: likeFirst("exp"),
    log: likeFirst("log"),
    sqrt: likeFirst("sqrt"),
    tanh: likeFirst("tanh"),
    tanhBackward: likeFirst("tanhBackward"),
    sigmoid: likeFirst("sigmoid"),
    sigmoidBackward: likeFirst("sigmoidBackward"),
    silu: likeFirst("silu"),
    siluBackward: likeFirst("siluBackward"),
    gelu: likeFirst("gelu"),
    geluBackward: likeFirst("geluBackward"),
    negExp: likeFirst("negExp"),
    softmax: likeFirst("softmax"),
    softmaxBackward: likeFirst("softmaxBackward"),
    dropout: likeFirst("dropout"),
    flip: likeFirst("flip"),

    linear: likeRows("linear"),
    linearBackwardInput: likeRows("linearBackwardInput"),
    linearBackwardWeight: (tensors, { outFeatures, inFeatures }) =>
      tensors.result("linearBackwardWeight", [outFeatures, inFeatures]),
    sumRows: (tensors, { features }) => tensors.result("sumRows", [features]),
    embedding: likeRows("embedding"),
    embeddingBackward: (tensors, { features }, _dy, _ids, vocabSize) =>
      tensors.result("embeddingBackward", [vocabSize, features]),

    rmsNorm: likeFirst("rmsNorm"),
    rmsNormBackward(tensors, _, _dy, x, weight) {
      const op = "rmsNormBackward";
      const dx = tensors.result(op, x.shape);
      return weight ? { dx, dWeight: tensors.result(op, weight.shape) } : { dx };
    },
    layerNorm: likeFirst("layerNorm"),
    layerNormBackward(tensors, _, _dy, x, weight, bias) {
      const op = "layerNormBackward";
      const dx = tensors.result(op, x.shape);
      return {
        dx,
        ...(weight && { dWeight: tensors.result(op, weight.shape) }),
        ...(bias && { dBias: tensors.result(op, bias.shape) }),
      };
    },

    meanPositions: (tensors, { sequences, channels }) =>
      tensors.result("meanPositions", [sequences, channels]),
    meanPositionsBackward: (tensors, { batch, length, channels }) =>
      tensors.result("meanPositionsBackward", [batch, length, channels]),
    maxPositions: (tensors, { sequences, channels }) => ({
      y: tensors.result("maxPositions", [sequences, channels]),
      index: tensors.result("maxPositions", [sequences, channels], "i32"),
    }),
    maxPositionsBackward: (tensors, { batch, length, channels }) =>
      tensors.result("maxPositionsBackward", [batch, length, channels]),

    causalConv1d: (tensors, { batch, channels, width }, { x }, want) => {
      const op = "causalConv1d";
      const y = tensors.result(op, x.shape);
      return want ? { y, finalState: tensors.result(op, [batch, channels, width - 1]) } : { y };
    },
    causalConv1dBackward(tensors, sizes, _dy, args) {
      const op = "causalConv1dBackward";
      const gradients = gradientsOf(tensors, op, args, ["x", "weight", "bias", "initialState"]);
      tensors.scratch(op, scratch.convBackward(sizes));
      return gradients;
    },
    causalConv1dStep: (tensors, _, _state, { x }) => tensors.result("causalConv1dStep", x.shape),

    selectiveScan: (tensors, sizes, { u }, want) => {
      const op = "selectiveScan";
      const y = tensors.result(op, u.shape);
      return want ? { y, finalState: tensors.result(op, stateShape(sizes)) } : { y };
    },
    selectiveScanForward(tensors, sizes, { u }) {
      const op = "selectiveScanForward";
      const states = tensors.result(op, scratch.scanResidual(sizes));
      return {
        y: tensors.result(op, u.shape),
        finalState: tensors.result(op, stateShape(sizes)),
        residual: new ScanResidual(states, sizes),
      };
    },
    selectiveScanBackward(tensors, sizes, _dy, args): Grads<ScanArgs> {
      const op = "selectiveScanBackward";
      const gradients = gradientsOf(tensors, op, args, scanGradients);
      tensors.scratch(op, scratch.scanBackward(sizes));
      return gradients;
    },
    selectiveStateUpdate: (tensors, _, _state, { u }) => tensors.result("selectiveStateUpdate", u.shape),

    ...headOps(scratch),
    ...expertOps,

    argmax: (tensors, _, logits) => tensors.result("argmax", logits.shape.slice(0, -1), "i32"),
    sample: (tensors, { batch }, _args, want) => {
      const ids = tensors.result("sample", [batch], "i32");
      return want ? { ids, logProbs: tensors.result("sample", [batch]) } : { ids };
    },
    crossEntropy: (tensors) => ({ loss: tensors.result("crossEntropy", [1]) }),
    crossEntropyWithGradient: (tensors, _, logits) => ({
      loss: tensors.result("crossEntropyWithGradient", [1]),
      dLogits: tensors.result("crossEntropyWithGradient", logits.shape),
    }),
    elementLoss: (tensors) => ({ loss: tensors.result("elementLoss", [1]) }),
    elementLossWithGradient: (tensors, _, { x }) => ({
      loss: tensors.result("elementLossWithGradient", [1]),
      dx: tensors.result("elementLossWithGradient", x.shape),
    }),
    sumOfSquares: (tensors) => tensors.result("sumOfSquares", [1]),
  };
}
