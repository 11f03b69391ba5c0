import {
  byteLength,
  formats,
  isQuantized,
  type Kernel,
  lastExtent,
  type Scope,
  type Tensor,
  type WeightDType,
} from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { type LocatedTensor, openWeights, type WeightFile, type Weights } from "../formats/weights.ts";
import type { Progress } from "../sources/progress.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { checkType } from "./checkType.ts";
import { convertValues, fromStored, type Quantizers, quantizersFor, viewValues } from "./convert.ts";
import type { MatchedChunk, MatchedParameter } from "./match.ts";
import { type BytesToRead, readAhead } from "./readAhead.ts";
import { checkSpace } from "./space.ts";

/** Options of every `loadCheckpoint`. */
export interface LoadOptions {
  /**
   * Store the large matrices as this type. Default: as in the file. All other tensors become f32. A quantised type is applied as in GGUF
   * files of this type: the head, or the table without a head, gets the type that llama.cpp gives it, and rows that are no whole blocks
   * the type's fallback.
   */
  readonly dtype?: WeightDType | undefined;
  /**
   * The GGUF file to load from a place with several, by its name or by the type in its name, such as "Q4_K_M". Default: the only one,
   * when the place has no safetensors weights.
   */
  readonly file?: string | undefined;
  /**
   * Compare files that carry a checksum with it, as those that `saveCheckpoint` writes do. Default true.
   */
  readonly verify?: boolean | undefined;
  /** Called after every chunk of about 2 MiB. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Stops the load between two chunks: the promise rejects with the signal's reason, and nothing stays allocated. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of each of the two buffers: one is read while the other is used. */
const bufferBytes = 2 * 2 ** 20;

/**
 * Reads matched parameters into tensors of the kernel, which belong to `scope`. Sizes are known from the headers, so a model
 * that is too large for the kernel is refused before a weight is read.
 *
 * @throws KernelError `OUT_OF_MEMORY`; CheckpointError `NON_FINITE`, `CHECKSUM`, `DTYPE`, `IO`, `TRUNCATED`
 */
export async function loadParameters(
  kernel: Kernel,
  files: CheckpointFiles,
  weights: Weights,
  parameters: readonly MatchedParameter[],
  { dtype, verify = true, onProgress, signal }: LoadOptions,
  scope: Scope,
): Promise<ReadonlyMap<string, Tensor>> {
  checkType("dtype", dtype, weightTypes);
  const quantizers = await quantizersFor([dtype, ...parameters.map((parameter) => parameter.dtype)]);
  const isTied = !parameters.some(({ spec }) => spec.name === headName);
  const planned = parameters.map((parameter) => {
    const isOutput = parameter.spec.name === (isTied ? tableName : headName);
    return { ...parameter, isOutput, target: targetDType(kernel, parameter, dtype, isOutput, quantizers) };
  });
  const needs = planned.map(({ spec: { name, shape, storage }, target, isOutput }) => {
    return { name, shape, dtype: target, isMatrix: storage !== "f32", isOutput };
  });
  await checkSpace(kernel, needs, files.label);
  const work = planned.flatMap(({ chunks, spec, target }) =>
    chunks.map((chunk): PlannedChunk => ({ ...chunk, spec, target })),
  );
  const totalBytes = work.reduce((sum, { bytes: [start, end] }) => sum + end - start, 0);
  const largestUnit = work.reduce((largest, item) => Math.max(largest, unitBytes(item)), 8);
  const size = Math.max(largestUnit, Math.min(bufferBytes, Math.ceil(totalBytes / 8) * 8));
  const buffers = [new Uint8Array(size), new Uint8Array(size)] as const;
  const loaded = new Map<string, Tensor>();
  let doneBytes = 0;
  for (const name of weights.files) {
    await using file = await openWeights(files, name, { verify }, weights.headers?.get(name));
    if (!file) throw new CheckpointError("IO", `${files.label}: ${name} disappeared while it was being read`);
    const here = work.filter(({ tensor }) => tensor.file === name);
    here.sort((a, b) => firstByte(a) - firstByte(b)); // a download cannot go back
    for (const { tensor } of here) checkUnchanged(file, tensor);
    const chunks = here.flatMap((item) => chunksOf(item, size));
    for await (const [{ item, range }, chunk] of readAhead(file, chunks, buffers)) {
      signal?.throwIfAborted();
      const { spec, target, tensor, dtype: stored, bytes, firstElement, factor, stores, order } = item;
      const device = loaded.get(spec.name) ?? scope.use(kernel.zeros(spec.shape, target));
      loaded.set(spec.name, device);
      const { blockBytes, blockElements } = formats[stored];
      const map = fromStored(stores);
      const columns = columnsOf(item);
      const conversion = { from: stored, to: target, columns, factor, map, order, quantizers };
      const where = `${file.name}: ${tensor.name}`;
      const inTensor = (range[0] / blockBytes) * blockElements;
      const start = firstElement + inTensor - (bytes[0] / blockBytes) * blockElements;
      kernel.write(device, start, convertValues(viewValues(chunk, stored), conversion, where, inTensor));
      doneBytes += chunk.length;
      onProgress?.({ phase: "load", file: name, doneBytes, totalBytes });
    }
    if (verify) await file.verify();
  }
  return loaded;
}

/** A chunk of a parameter, with the parameter and its storage type on the kernel. */
interface PlannedChunk extends MatchedChunk {
  readonly spec: MatchedParameter["spec"];
  readonly target: WeightDType;
}

/** Elements of a row of the parameter. */
function columnsOf({ spec, order }: PlannedChunk): number {
  return order?.length ?? lastExtent(spec.shape);
}

/** The bytes that a chunk of a tensor is a multiple of: a row where rows are reordered or quantised. */
function unitBytes(item: PlannedChunk): number {
  const { dtype, target, order } = item;
  const needsRows = order !== undefined || isQuantized(target) || isQuantized(dtype);
  return needsRows ? byteLength(dtype, [columnsOf(item)]) : formats[dtype].blockBytes;
}

/** Divides the bytes of a tensor that are read into chunks of whole units that fit a buffer. */
function chunksOf(item: PlannedChunk, size: number): (BytesToRead & { readonly item: PlannedChunk })[] {
  const [start, end] = item.bytes;
  const step = size - (size % unitBytes(item));
  return Array.from({ length: Math.ceil((end - start) / step) }, (_, i) => {
    const from = start + i * step;
    return { item, name: item.tensor.name, range: [from, Math.min(from + step, end)] };
  });
}

function firstByte({ tensor, bytes: [start] }: MatchedChunk): number {
  return tensor.byteOffset + start;
}

const weightTypes = Object.keys(formats).filter((type) => type !== "i32");

const headName = "lm_head.weight";
const tableName = "backbone.embeddings.weight";

/** Storage type of a parameter on the kernel: for matrices the requested one or the file's, f32 for everything else. */
function targetDType(
  kernel: Kernel,
  { spec, dtype }: MatchedParameter,
  requested: WeightDType | undefined,
  isOutput: boolean,
  quantizers: Quantizers | undefined,
): WeightDType {
  if (spec.storage === "f32") return "f32";
  const isTable = spec.name.includes("embeddings");
  const columns = lastExtent(spec.shape);
  const target =
    requested === undefined ? dtype : (quantizers?.matrixTypeFor(requested, columns, isOutput) ?? requested);
  const ops = isTable ? (["embedding", "linear"] as const) : (["linear"] as const);
  const isSupported = ops.every((op) => kernel.supports(op, target));
  if (isSupported && kernel.capabilities.storage.has(target)) return target;
  const problem = `the ${kernel.name} backend cannot store ${spec.name} as ${target}`;
  const verb = isQuantized(target) ? "dequantise" : "widen";
  throw new CheckpointError("DTYPE", `${problem}; pass dtype "f32" to ${verb} it`);
}

/** The header was checked when the file was first opened. The file must not have changed since then. */
function checkUnchanged(file: WeightFile, { name, byteOffset, byteLength }: LocatedTensor): void {
  const now = file.tensors.get(name);
  if (now?.byteOffset === byteOffset && now.byteLength === byteLength) return;
  throw new CheckpointError("IO", `${file.name}: the file changed while it was being read`);
}
