import type { ConvArgs, ConvStepArgs, SampleOptions, ScanArgs, StateUpdateArgs } from "./args.ts";
import { bindAxes, checkAlive, formatShape } from "./bind.ts";
import {
  byteLength,
  byteOffset,
  type DType,
  elementCount,
  formats,
  type HostArray,
  isHostArrayOf,
  type Shape,
} from "./dtype.ts";
import { KernelError } from "./errors.ts";
import { checkFinite, checkInteger, fail, floats, sameShape } from "./refuse.ts";
import { isDense, type Tensor } from "./tensor.ts";

// The argument checks of every op, shared by all backends: each is called first thing by the op of the same name, and
// returns the sizes that the op needs.

/** Sizes common to the ops over sequences. */
export interface SequenceSizes {
  batch: number;
  length: number;
  channels: number;
}

/** Sizes of a scan: u is [batch, length, channels], its states are [batch, channels, stateSize]. */
export interface ScanSizes extends SequenceSizes {
  readonly stateSize: number;
}

/** Rows of the last axis. */
export function rowCount(x: Tensor): number {
  return elementCount(x.shape) / (x.shape[x.shape.length - 1] as number);
}

/** Extents are whole numbers >= 1 and there is at least one axis. Returns the element count. */
export function checkShape(op: string, shape: Shape): number {
  if (shape.length === 0) fail("SHAPE", op, "shape must have at least one axis, got []");
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 1) {
      fail("SHAPE", op, `every extent must be a whole number >= 1, got ${formatShape(shape)}`);
    }
  }
  return elementCount(shape);
}

/** `zeros`, and the shape half of `upload`: returns the byte length. */
export function checkAllocation(
  op: string,
  shape: Shape,
  dtype: DType,
  storage: ReadonlySet<DType>,
  maxTensorBytes: number,
): number {
  checkShape(op, shape);
  if (!storage.has(dtype))
    fail("DTYPE", op, `dtype must be ${[...storage].join(" or ")}, got ${String(dtype)}`);
  const bytes = byteLength(dtype, shape);
  if (bytes > maxTensorBytes) {
    const what = `${formatShape(shape)} ${dtype} takes ${bytes} bytes`;
    throw new KernelError(
      "OUT_OF_MEMORY",
      `${op}: ${what}, the largest tensor here is ${maxTensorBytes} bytes`,
    );
  }
  return bytes;
}

function checkHostArray(op: string, data: HostArray, dtype: DType): void {
  if (isHostArrayOf(data, dtype)) return;
  const expected = formats[dtype].hostArray.name;
  fail("DTYPE", op, `${dtype} data must be a ${expected}, got ${data?.constructor?.name ?? typeof data}`);
}

export function checkUpload(data: HostArray, shape: Shape, dtype: DType): void {
  checkHostArray("upload", data, dtype);
  const count = elementCount(shape);
  if (data.length !== count) {
    fail("ARGUMENT", "upload", `shape ${formatShape(shape)} needs ${count} elements, got ${data.length}`);
  }
}

export function checkWrite(target: Tensor, start: number, data: HostArray): void {
  checkAlive("write", "target", target);
  checkHostArray("write", data, target.dtype);
  if (!isDense(target)) fail("SHAPE", "write", "target must be dense, got a column view");
  const count = elementCount(target.shape);
  checkInteger("write", "start", start, 0, count);
  const end = start + data.length;
  if (end > count) {
    fail("ARGUMENT", "write", `elements ${start} to ${end} do not fit into ${formatShape(target.shape)}`);
  }
  if (!isWholeWords(target.dtype, start) || (!isWholeWords(target.dtype, end) && end !== count)) {
    const piece = `elements ${start} to ${end} of ${count}`;
    fail("ARGUMENT", "write", `${target.dtype} pieces begin and end at even elements, got ${piece}`);
  }
}

/** True when the elements before `at` fill whole words of 4 bytes. */
function isWholeWords(dtype: DType, at: number): boolean {
  return byteOffset(dtype, at) % 4 === 0;
}

export function checkColumns(x: Tensor, start: number, count: number): void {
  checkAlive("columns", "x", x);
  const width = x.shape[x.shape.length - 1] as number;
  checkInteger("columns", "start", start, 0, width - 1);
  checkInteger("columns", "count", count, 1, width - start);
}

export function checkReshape(x: Tensor, shape: Shape): void {
  checkAlive("reshape", "x", x);
  if (checkShape("reshape", shape) !== elementCount(x.shape)) {
    fail(
      "SHAPE",
      "reshape",
      `cannot view ${formatShape(x.shape)} as ${formatShape(shape)}: element counts differ`,
    );
  }
  if (!isDense(x) && shape[shape.length - 1] !== x.shape[x.shape.length - 1]) {
    fail(
      "SHAPE",
      "reshape",
      `a column view ${formatShape(x.shape)} keeps its last axis, got ${formatShape(shape)}`,
    );
  }
}

export function checkGatherRows(x: Tensor, rows: readonly number[]): void {
  checkAlive("gatherRows", "x", x);
  if (rows.length === 0) fail("ARGUMENT", "gatherRows", "rows must name at least one row, got none");
  for (const row of rows) checkInteger("gatherRows", "each row", row, 0, (x.shape[0] as number) - 1);
}

export function checkCopyInto(target: Tensor, source: Tensor): void {
  checkAlive("copyInto", "target", target);
  checkAlive("copyInto", "source", source);
  if (target.dtype !== source.dtype) {
    fail("DTYPE", "copyInto", `source must be ${target.dtype} like target, got ${source.dtype}`);
  }
  sameShape("copyInto", "source", source, "target", target);
  if (!isDense(target)) fail("SHAPE", "copyInto", "target must be dense, got a column view");
}

/** Elementwise ops of one f32 argument. */
export function checkUnary(op: string, x: Tensor): void {
  checkAlive(op, "x", x);
  if (x.dtype !== "f32") fail("DTYPE", op, `x must be f32, got ${x.dtype}`);
}

export function checkScale(x: Tensor, factor: number): void {
  checkUnary("scale", x);
  checkFinite("scale", "factor", factor);
}

/** Elementwise ops of two f32 arguments of one shape. */
export function checkBinary(op: string, a: Tensor, b: Tensor): void {
  for (const [name, tensor] of [
    ["a", a],
    ["b", b],
  ] as const) {
    checkAlive(op, name, tensor);
    if (tensor.dtype !== "f32") fail("DTYPE", op, `${name} must be f32, got ${tensor.dtype}`);
  }
  sameShape(op, "b", b, "a", a);
}

export function checkFlip(x: Tensor): SequenceSizes {
  const { B, L, D } = bindAxes("flip", { x: { tensor: x, axes: "B L D" } });
  return { batch: B, length: L, channels: D };
}

/** Ops over the last axis take any number of leading axes: checks and drops them. */
function lastAxis(op: string, x: Tensor): number {
  checkUnary(op, x);
  return x.shape[x.shape.length - 1] as number;
}

export function checkLinear(x: Tensor, weight: Tensor, bias?: Tensor) {
  const inFeatures = lastAxis("linear", x);
  const { O, I } = bindAxes("linear", {
    weight: { tensor: weight, axes: "O I", dtypes: floats, dense: true },
    bias: { tensor: bias, axes: "O", dense: true },
  });
  if (I !== inFeatures) {
    const found = `${formatShape(weight.shape)} for x ${formatShape(x.shape)}`;
    fail("SHAPE", "linear", `weight must be [O, ${inFeatures}], got ${found}`);
  }
  return { rows: rowCount(x), inFeatures, outFeatures: O, shape: [...x.shape.slice(0, -1), O] };
}

export function checkRmsNorm(x: Tensor, weight: Tensor | undefined, eps: number) {
  const features = lastAxis("rmsNorm", x);
  bindAxes("rmsNorm", { weight: { tensor: weight, axes: String(features), dense: true } });
  if (!(eps >= 0 && Number.isFinite(eps)))
    fail("ARGUMENT", "rmsNorm", `eps must be a number >= 0, got ${eps}`);
  return { rows: rowCount(x), features };
}

export function checkEmbedding(ids: Tensor, weight: Tensor) {
  checkAlive("embedding", "ids", ids);
  if (ids.dtype !== "i32") fail("DTYPE", "embedding", `ids must be i32, got ${ids.dtype}`);
  if (!isDense(ids)) fail("SHAPE", "embedding", "ids must be dense, got a column view");
  const { V, D } = bindAxes("embedding", {
    weight: { tensor: weight, axes: "V D", dtypes: floats, dense: true },
  });
  return { count: elementCount(ids.shape), vocabSize: V, features: D, shape: [...ids.shape, D] };
}

function checkWidth(op: string, width: number, activation: string | undefined): void {
  checkInteger(op, "the convolution width W", width, 2, 16);
  if (activation !== undefined && activation !== "silu") {
    fail("ARGUMENT", op, `activation must be "silu" or absent, got ${JSON.stringify(activation)}`);
  }
}

/** @param op the op to name in errors: its backward checks the same arguments */
export function checkCausalConv1d(args: ConvArgs, op = "causalConv1d"): SequenceSizes & { width: number } {
  const { B, L, D, W } = bindAxes(op, {
    x: { tensor: args.x, axes: "B L D" },
    weight: { tensor: args.weight, axes: "D W", dense: true },
    bias: { tensor: args.bias, axes: "D", dense: true },
    initialState: { tensor: args.initialState, axes: "B D W-1", dense: true },
    range: { tensor: args.range, axes: "B 2", dtypes: ["i32"], dense: true },
  });
  checkWidth(op, W, args.activation);
  return { batch: B, length: L, channels: D, width: W };
}

export function checkCausalConv1dStep(state: Tensor, args: ConvStepArgs) {
  const { B, D, W } = bindAxes("causalConv1dStep", {
    x: { tensor: args.x, axes: "B D" },
    weight: { tensor: args.weight, axes: "D W", dense: true },
    bias: { tensor: args.bias, axes: "D", dense: true },
    state: { tensor: state, axes: "B D W-1", dense: true },
  });
  checkWidth("causalConv1dStep", W, args.activation);
  return { batch: B, channels: D, width: W };
}

/** @param op the op to name in errors: its training forms check the same arguments */
export function checkSelectiveScan(args: ScanArgs, op = "selectiveScan"): ScanSizes {
  const { B, L, D, N } = bindAxes(op, {
    u: { tensor: args.u, axes: "B L D" },
    delta: { tensor: args.delta, axes: "B L D" },
    A: { tensor: args.A, axes: "D N", dense: true },
    B: { tensor: args.B, axes: "B L N" },
    C: { tensor: args.C, axes: "B L N" },
    D: { tensor: args.D, axes: "D", dense: true },
    z: { tensor: args.z, axes: "B L D" },
    deltaBias: { tensor: args.deltaBias, axes: "D", dense: true },
    initialState: { tensor: args.initialState, axes: "B D N", dense: true },
    range: { tensor: args.range, axes: "B 2", dtypes: ["i32"], dense: true },
  });
  checkInteger(op, "the state size N", N, 1, 256);
  return { batch: B, length: L, channels: D, stateSize: N };
}

export function checkSelectiveStateUpdate(state: Tensor, args: StateUpdateArgs) {
  const { B, D, N } = bindAxes("selectiveStateUpdate", {
    u: { tensor: args.u, axes: "B D" },
    delta: { tensor: args.delta, axes: "B D" },
    A: { tensor: args.A, axes: "D N", dense: true },
    B: { tensor: args.B, axes: "B N" },
    C: { tensor: args.C, axes: "B N" },
    D: { tensor: args.D, axes: "D", dense: true },
    z: { tensor: args.z, axes: "B D" },
    deltaBias: { tensor: args.deltaBias, axes: "D", dense: true },
    state: { tensor: state, axes: "B D N", dense: true },
  });
  checkInteger("selectiveStateUpdate", "the state size N", N, 1, 256);
  return { batch: B, channels: D, stateSize: N };
}

function checkLogits(op: string, logits: Tensor): { batch: number; vocabSize: number } {
  const { B, V } = bindAxes(op, { logits: { tensor: logits, axes: "B V" } });
  return { batch: B, vocabSize: V };
}

export function checkArgmax(logits: Tensor) {
  return checkLogits("argmax", logits);
}

export function checkSample(logits: Tensor, options: SampleOptions) {
  const sizes = checkLogits("sample", logits);
  const { temperature, topK, topP, minP, uniforms } = options;
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    fail(
      "ARGUMENT",
      "sample",
      `temperature must be a number > 0, got ${temperature} (argmax is the greedy choice)`,
    );
  }
  if (topK !== undefined) checkInteger("sample", "topK", topK, 1, Number.MAX_SAFE_INTEGER);
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    fail("ARGUMENT", "sample", `topP must be in (0, 1], got ${topP}`);
  if (minP !== undefined && !(minP >= 0 && minP <= 1))
    fail("ARGUMENT", "sample", `minP must be in [0, 1], got ${minP}`);
  if (uniforms.length !== sizes.batch || !uniforms.every((uniform) => uniform >= 0 && uniform < 1)) {
    fail(
      "ARGUMENT",
      "sample",
      `uniforms must be ${sizes.batch} numbers in [0, 1), got [${uniforms.join(", ")}]`,
    );
  }
  return sizes;
}

export function checkRepetitionPenalty(logits: Tensor, ids: Tensor, penalty: number) {
  const { B, V, K } = bindAxes("repetitionPenalty", {
    logits: { tensor: logits, axes: "B V" },
    ids: { tensor: ids, axes: "B K", dtypes: ["i32"], dense: true },
  });
  if (!(penalty > 0 && Number.isFinite(penalty))) {
    fail("ARGUMENT", "repetitionPenalty", `penalty must be a number > 0, got ${penalty}`);
  }
  return { batch: B, vocabSize: V, idCount: K };
}
