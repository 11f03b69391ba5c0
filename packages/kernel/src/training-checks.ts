import type { AdamWParams, AdamWSlot, ConvArgs, ScanArgs } from "./args.ts";
import { bindAxes, checkAlive, formatShape } from "./bind.ts";
import {
  checkCausalConv1d,
  checkSelectiveScan,
  rowCount,
  type ScanSizes,
  type SequenceSizes,
} from "./checks.ts";
import { elementCount } from "./dtype.ts";
import { checkFinite, checkInteger, fail, floats, sameShape } from "./refuse.ts";
import { isDense, type Tensor } from "./tensor.ts";

// The argument checks of `TrainingOps`: as in checks.ts, each is called first thing by the op of the same name.

function checkF32(op: string, name: string, tensor: Tensor): void {
  checkAlive(op, name, tensor);
  if (tensor.dtype !== "f32") fail("DTYPE", op, `${name} must be f32, got ${tensor.dtype}`);
}

function width(x: Tensor): number {
  return x.shape[x.shape.length - 1] as number;
}

export function checkAccumulate(target: Tensor, x: Tensor, factor: number): void {
  checkF32("accumulate", "target", target);
  checkF32("accumulate", "x", x);
  sameShape("accumulate", "x", x, "target", target);
  checkFinite("accumulate", "factor", factor);
}

export function checkSiluBackward(dy: Tensor, x: Tensor): void {
  checkF32("siluBackward", "dy", dy);
  checkF32("siluBackward", "x", x);
  sameShape("siluBackward", "x", x, "dy", dy);
}

export function checkLinearBackwardInput(dy: Tensor, weight: Tensor) {
  const op = "linearBackwardInput";
  checkF32(op, "dy", dy);
  const { O, I } = bindAxes(op, { weight: { tensor: weight, axes: "O I", dtypes: floats, dense: true } });
  if (O !== width(dy)) {
    const found = `${formatShape(weight.shape)} for dy ${formatShape(dy.shape)}`;
    fail("SHAPE", op, `weight must be [${width(dy)}, I], got ${found}`);
  }
  return { rows: rowCount(dy), inFeatures: I, outFeatures: O, shape: [...dy.shape.slice(0, -1), I] };
}

export function checkLinearBackwardWeight(dy: Tensor, x: Tensor) {
  const op = "linearBackwardWeight";
  checkF32(op, "dy", dy);
  checkF32(op, "x", x);
  const leading = dy.shape.slice(0, -1);
  if (x.shape.length !== dy.shape.length || leading.some((extent, i) => extent !== x.shape[i])) {
    const expected = [...leading, "I"].join(", ");
    fail(
      "SHAPE",
      op,
      `x must be [${expected}] like dy ${formatShape(dy.shape)}, got ${formatShape(x.shape)}`,
    );
  }
  return { rows: rowCount(dy), inFeatures: width(x), outFeatures: width(dy) };
}

export function checkSumRows(dy: Tensor) {
  checkF32("sumRows", "dy", dy);
  return { rows: rowCount(dy), features: width(dy) };
}

export function checkRmsNormBackward(dy: Tensor, x: Tensor, weight: Tensor | undefined, eps: number) {
  const op = "rmsNormBackward";
  checkF32(op, "dy", dy);
  checkF32(op, "x", x);
  sameShape(op, "x", x, "dy", dy);
  const features = width(x);
  bindAxes(op, { weight: { tensor: weight, axes: String(features), dense: true } });
  if (!(eps >= 0 && Number.isFinite(eps))) fail("ARGUMENT", op, `eps must be a number >= 0, got ${eps}`);
  return { rows: rowCount(x), features };
}

export function checkEmbeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number) {
  const op = "embeddingBackward";
  checkF32(op, "dy", dy);
  checkAlive(op, "ids", ids);
  if (ids.dtype !== "i32") fail("DTYPE", op, `ids must be i32, got ${ids.dtype}`);
  if (!isDense(ids)) fail("SHAPE", op, "ids must be dense, got a column view");
  const features = width(dy);
  const fits =
    dy.shape.length === ids.shape.length + 1 && ids.shape.every((extent, i) => extent === dy.shape[i]);
  if (!fits) {
    const expected = formatShape([...ids.shape, features]);
    fail(
      "SHAPE",
      op,
      `dy must be ${expected} for ids ${formatShape(ids.shape)}, got ${formatShape(dy.shape)}`,
    );
  }
  checkInteger(op, "vocabSize", vocabSize, 1, 2 ** 31 - 1);
  return { count: elementCount(ids.shape), features };
}

export function checkCausalConv1dBackward(
  dy: Tensor,
  args: ConvArgs,
  dFinalState?: Tensor,
): SequenceSizes & { width: number } {
  const op = "causalConv1dBackward";
  const sizes = checkCausalConv1d(args, op);
  bindAxes(op, {
    x: { tensor: args.x, axes: "B L D" },
    dy: { tensor: dy, axes: "B L D" },
    weight: { tensor: args.weight, axes: "D W" },
    dFinalState: { tensor: dFinalState, axes: "B D W-1", dense: true },
  });
  return sizes;
}

export function checkSelectiveScanForward(args: ScanArgs): ScanSizes {
  return checkSelectiveScan(args, "selectiveScanForward");
}

/** The residual is the backend's to check. */
export function checkSelectiveScanBackward(dy: Tensor, args: ScanArgs, dFinalState?: Tensor): ScanSizes {
  const op = "selectiveScanBackward";
  const sizes = checkSelectiveScan(args, op);
  bindAxes(op, {
    u: { tensor: args.u, axes: "B L D" },
    dy: { tensor: dy, axes: "B L D" },
    A: { tensor: args.A, axes: "D N" },
    dFinalState: { tensor: dFinalState, axes: "B D N", dense: true },
  });
  return sizes;
}

/** Both forms: `op` is the one to name in errors. */
export function checkCrossEntropy(op: string, logits: Tensor, targets: Tensor, ignoreIndex: number) {
  const { M, V } = bindAxes(op, {
    logits: { tensor: logits, axes: "M V" },
    targets: { tensor: targets, axes: "M", dtypes: ["i32"], dense: true },
  });
  checkInteger(op, "ignoreIndex", ignoreIndex, -(2 ** 31), 2 ** 31 - 1);
  return { rows: M, vocabSize: V };
}

export function checkSumOfSquares(tensors: readonly Tensor[]): void {
  if (tensors.length === 0)
    fail("ARGUMENT", "sumOfSquares", "tensors must hold at least one tensor, got none");
  tensors.forEach((tensor, i) => checkF32("sumOfSquares", `tensor ${i}`, tensor));
}

export function checkAdamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
  const op = "adamwStep";
  if (slots.length === 0) fail("ARGUMENT", op, "slots must hold at least one parameter, got none");
  slots.forEach((slot, i) => {
    for (const name of ["param", "grad", "m", "v"] as const) {
      const tensor = slot[name];
      checkF32(op, `${name} of slot ${i}`, tensor);
      sameShape(op, `${name} of slot ${i}`, tensor, "its param", slot.param);
      if (!isDense(tensor)) fail("SHAPE", op, `${name} of slot ${i} must be dense, got a column view`);
    }
  });
  bindAxes(op, { gradScale: { tensor: gradScale, axes: "1", dense: true } });
  checkInteger(op, "step", hyper.step, 1, Number.MAX_SAFE_INTEGER);
  for (const name of ["lr", "weightDecay", "eps"] as const) {
    const value = hyper[name];
    if (!(value >= 0 && Number.isFinite(value)))
      fail("ARGUMENT", op, `${name} must be a number >= 0, got ${value}`);
  }
  for (const name of ["beta1", "beta2"] as const) {
    const value = hyper[name];
    if (!(value >= 0 && value < 1)) fail("ARGUMENT", op, `${name} must be in [0, 1), got ${value}`);
  }
}
