import type { AllOps } from "@mamba/kernel";
import type { DeviceTensor, OpImplementation } from "@mamba/kernel/author";
import type { CountingTensors } from "./countingTensors.ts";

type Names =
  | "routeExperts"
  | "routeExpertsBackward"
  | "expertLoads"
  | "expertLinear"
  | "expertLinearBackwardInput"
  | "expertLinearBackwardWeight"
  | "combineExperts"
  | "combineExpertsBackward";

type Table<K extends keyof AllOps> = {
  readonly [N in K]: OpImplementation<N, CountingTensors, DeviceTensor>;
};

/** The ops of mixtures of experts, as their results. */
export const expertOps: Table<Names> = {
  routeExperts: (tensors, { rows, perToken }) => ({
    experts: tensors.result("routeExperts", [rows, perToken], "i32"),
    weights: tensors.result("routeExperts", [rows, perToken]),
  }),
  routeExpertsBackward: (tensors, { rows, expertCount }) =>
    tensors.result("routeExpertsBackward", [rows, expertCount]),
  expertLoads: (tensors, { expertCount }) => tensors.result("expertLoads", [expertCount]),
  expertLinear: (tensors, { rows, perToken, outFeatures }) =>
    tensors.result("expertLinear", [rows, perToken, outFeatures]),
  expertLinearBackwardInput: (tensors, { rows, perToken, inFeatures }) =>
    tensors.result("expertLinearBackwardInput", [rows, perToken, inFeatures]),
  expertLinearBackwardWeight: (tensors, { expertCount, outFeatures, inFeatures }) =>
    tensors.result("expertLinearBackwardWeight", [expertCount, outFeatures, inFeatures]),
  combineExperts: (tensors, { rows, outFeatures }) => tensors.result("combineExperts", [rows, outFeatures]),
  combineExpertsBackward: (tensors, _, _dOut, y, weights) => ({
    y: tensors.result("combineExpertsBackward", y.shape),
    weights: tensors.result("combineExpertsBackward", weights.shape),
  }),
};
