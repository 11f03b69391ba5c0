import type { AccumulateOp } from "./accumulate.ts";
import type { AdamWStepOp } from "./adamwStep.ts";
import type { AddOp } from "./add.ts";
import type { ArgmaxOp } from "./argmax.ts";
import type { AttentionOp, AttentionTrainingOps } from "./attention.ts";
import type { CachedAttentionOp } from "./cachedAttention.ts";
import type { CausalConv1dBackwardOp, CausalConv1dOp } from "./causalConv1d.ts";
import type { CausalConv1dStepOp } from "./causalConv1dStep.ts";
import type { CombineExpertsBackwardOp, CombineExpertsOp } from "./combineExperts.ts";
import type { CopyIntoOp } from "./copyInto.ts";
import type { CrossEntropyOps } from "./crossEntropy.ts";
import type { DiscretizeBackwardOp, DiscretizeOp } from "./discretize.ts";
import type { DivOp } from "./div.ts";
import type { DropoutOp } from "./dropout.ts";
import type { ElementLossOps } from "./elementLoss.ts";
import type { EmbeddingBackwardOp, EmbeddingOp } from "./embedding.ts";
import type { ExpOp } from "./exp.ts";
import type { ExpertLinearBackwardOps, ExpertLinearOp } from "./expertLinear.ts";
import type { FlipOp } from "./flip.ts";
import type { GatedRmsNormBackwardOp, GatedRmsNormOp } from "./gatedRmsNorm.ts";
import type { GatherRowsOp } from "./gatherRows.ts";
import type { GeluBackwardOp, GeluOp } from "./gelu.ts";
import type { LayerNormBackwardOp, LayerNormOp } from "./layerNorm.ts";
import type { LinearBackwardOps, LinearOp } from "./linear.ts";
import type { LogOp } from "./log.ts";
import type { MaxPositionsBackwardOp, MaxPositionsOp } from "./maxPositions.ts";
import type { MeanPositionsBackwardOp, MeanPositionsOp } from "./meanPositions.ts";
import type { MulOp } from "./mul.ts";
import type { NegExpOp } from "./negExp.ts";
import type { ReluSquaredBackwardOp, ReluSquaredOp } from "./reluSquared.ts";
import type { RmsNormBackwardOp, RmsNormOp } from "./rmsNorm.ts";
import type { RotaryBackwardAnglesOp, RotaryOp } from "./rotary.ts";
import type { RouteExpertsOp, RouteExpertsTrainingOps } from "./routeExperts.ts";
import type { SampleOp } from "./sample.ts";
import type { ScaleOp } from "./scale.ts";
import type { SelectiveScanOp, SelectiveScanTrainingOps } from "./selectiveScan.ts";
import type { SelectiveStateUpdateOp } from "./selectiveStateUpdate.ts";
import type { SigmoidBackwardOp, SigmoidOp } from "./sigmoid.ts";
import type { SiluBackwardOp, SiluOp } from "./silu.ts";
import type { SoftmaxBackwardOp, SoftmaxOp } from "./softmax.ts";
import type { SqrtOp } from "./sqrt.ts";
import type { SsdScanOp, SsdScanTrainingOps } from "./ssdScan.ts";
import type { SsdStateUpdateOp } from "./ssdStateUpdate.ts";
import type { SubOp } from "./sub.ts";
import type { SumOfSquaresOp } from "./sumOfSquares.ts";
import type { SumRowsOp } from "./sumRows.ts";
import type { TanhBackwardOp, TanhOp } from "./tanh.ts";
import type { WriteOp } from "./write.ts";

/**
 * The forward ops: all that inference needs. Calls enqueue and return at once; work runs in call order. Results are
 * new, dense, f32 (i32 for token ids) and belong to the caller. Activations may be column views; parameters and
 * states are dense. Activations, states and small parameters are f32; the weights of `linear`, `expertLinear` and `embedding` may
 * be stored in any type of weights that `supports` reports. Every argument error is thrown at once, by the shared checks.
 */
export interface InferenceOps
  extends
    AddOp,
    SubOp,
    MulOp,
    DivOp,
    ScaleOp,
    ExpOp,
    LogOp,
    SqrtOp,
    TanhOp,
    SigmoidOp,
    SiluOp,
    GeluOp,
    ReluSquaredOp,
    NegExpOp,
    DropoutOp,
    FlipOp,
    LinearOp,
    RmsNormOp,
    LayerNormOp,
    SoftmaxOp,
    MeanPositionsOp,
    MaxPositionsOp,
    EmbeddingOp,
    CausalConv1dOp,
    CausalConv1dStepOp,
    SelectiveScanOp,
    SelectiveStateUpdateOp,
    DiscretizeOp,
    SsdScanOp,
    SsdStateUpdateOp,
    GatedRmsNormOp,
    AttentionOp,
    CachedAttentionOp,
    RotaryOp,
    RouteExpertsOp,
    ExpertLinearOp,
    CombineExpertsOp,
    ArgmaxOp,
    SampleOp {}

/** The ops that training adds: the backward of each op, the losses and the optimizer. Gradients are new f32 tensors unless an op says otherwise. */
export interface TrainingOps
  extends
    AccumulateOp,
    TanhBackwardOp,
    SigmoidBackwardOp,
    SiluBackwardOp,
    GeluBackwardOp,
    ReluSquaredBackwardOp,
    LinearBackwardOps,
    SumRowsOp,
    RmsNormBackwardOp,
    LayerNormBackwardOp,
    SoftmaxBackwardOp,
    MeanPositionsBackwardOp,
    MaxPositionsBackwardOp,
    EmbeddingBackwardOp,
    CausalConv1dBackwardOp,
    SelectiveScanTrainingOps,
    DiscretizeBackwardOp,
    SsdScanTrainingOps,
    GatedRmsNormBackwardOp,
    AttentionTrainingOps,
    RotaryBackwardAnglesOp,
    RouteExpertsTrainingOps,
    ExpertLinearBackwardOps,
    CombineExpertsBackwardOp,
    CrossEntropyOps,
    ElementLossOps,
    SumOfSquaresOp,
    AdamWStepOp {}

/** The ops that move memory: part of `KernelMemory`. */
export interface CopyOps extends WriteOp, GatherRowsOp, CopyIntoOp {}

/** Signatures of all ops that have a definition. */
export interface AllOps extends InferenceOps, TrainingOps, CopyOps {}

/** Names of the ops that compute. */
export type KernelOp = keyof InferenceOps | keyof TrainingOps;
