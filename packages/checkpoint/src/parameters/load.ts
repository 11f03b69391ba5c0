import {
  byteLength,
  type FloatDType,
  formats,
  type Kernel,
  KernelError,
  type Scope,
  type Tensor,
} from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { type LocatedTensor, openWeights, type WeightFile, type Weights } from "../formats/weights.ts";
import type { Progress } from "../sources/progress.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { checkFinite, convertValues, reorderRows, viewValues } from "./convert.ts";
import type { MatchedChunk, MatchedParameter } from "./match.ts";

/** Options of every `loadCheckpoint`. */
export interface LoadOptions {
  /** Store the large matrices as this type. Default: as in the file. All other tensors become f32. */
  readonly dtype?: FloatDType | undefined;
  /**
   * Compare files that carry a checksum with it, as those that `saveCheckpoint` writes do. Default true.
   */
  readonly verify?: boolean | undefined;
  /** Called after every chunk of at most 4 MiB. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Stops the load between two chunks: the promise rejects with the signal's reason, and nothing stays allocated. */
  readonly signal?: AbortSignal | undefined;
}

const bufferBytes = 4 * 2 ** 20;

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
  const work = parameters.flatMap((parameter) => {
    const target = targetDType(kernel, parameter, dtype);
    return parameter.chunks.map((chunk) => ({ ...chunk, spec: parameter.spec, target }));
  });
  checkSpace(kernel, parameters, dtype, files.label);
  const totalBytes = work.reduce((sum, { bytes: [start, end] }) => sum + end - start, 0);
  const buffer = new Uint8Array(Math.min(bufferBytes, Math.ceil(totalBytes / 8) * 8));
  const loaded = new Map<string, Tensor>();
  let doneBytes = 0;
  for (const name of weights.files) {
    await using file = await openWeights(files, name, { verify });
    if (!file) throw new CheckpointError("IO", `${files.label}: ${name} disappeared while it was being read`);
    const here = work.filter(({ tensor }) => tensor.file === name);
    here.sort((a, b) => firstByte(a) - firstByte(b)); // a download cannot go back
    for (const { spec, target, tensor, dtype: stored, bytes, firstElement, factor, order } of here) {
      checkUnchanged(file, tensor);
      const device = loaded.get(spec.name) ?? scope.use(kernel.zeros(spec.shape, target));
      loaded.set(spec.name, device);
      const { blockBytes, blockElements } = formats[stored];
      const wholeBlocks = wholeChunks(buffer, order ? byteLength(stored, [order.length]) : blockBytes);
      let start = firstElement;
      for await (const chunk of file.chunks(tensor.name, wholeBlocks, bytes)) {
        signal?.throwIfAborted();
        const read = viewValues(chunk, stored);
        const values = convertValues(read, stored, target, factor);
        const where = `${file.name}: ${tensor.name}`;
        const inTensor = (bytes[0] / blockBytes) * blockElements + start - firstElement;
        checkFinite({ values, dtype: target }, { values: read, dtype: stored, factor }, where, inTensor);
        kernel.write(device, start, reorderRows(values, order));
        start += (chunk.length / blockBytes) * blockElements;
        doneBytes += chunk.length;
        onProgress?.({ phase: "load", file: name, doneBytes, totalBytes });
      }
    }
    if (verify) await file.verify();
  }
  return loaded;
}

/** The bytes of the buffer, or of a larger one, that whole units of `unit` bytes fill. */
function wholeChunks(buffer: Uint8Array, unit: number): Uint8Array {
  if (buffer.length < unit) return new Uint8Array(unit);
  return buffer.subarray(0, buffer.length - (buffer.length % unit));
}

function firstByte({ tensor, bytes: [start] }: MatchedChunk): number {
  return tensor.byteOffset + start;
}

/** @throws KernelError `OUT_OF_MEMORY` when the parameters do not fit into the memory of the kernel */
function checkSpace(
  kernel: Kernel,
  parameters: readonly MatchedParameter[],
  dtype: FloatDType | undefined,
  label: string,
): void {
  const { maxBytes, maxTensorBytes } = kernel.capabilities;
  let needed = 0;
  for (const parameter of parameters) {
    const target = targetDType(kernel, parameter, dtype);
    const bytes = byteLength(target, parameter.spec.shape);
    needed += bytes;
    if (bytes <= maxTensorBytes) continue;
    const limit = `the largest tensor of the ${kernel.name} backend has ${maxTensorBytes}`;
    const message = `${label}: ${parameter.spec.name} takes ${bytes} bytes as ${target}, ${limit}`;
    throw new KernelError("OUT_OF_MEMORY", `${message}; use another backend`);
  }
  if (maxBytes === undefined) return;
  const used = kernel.memory().bytes;
  if (used + needed <= maxBytes) return;
  const limit = `the ${kernel.name} backend has ${maxBytes}, of which ${used} are in use`;
  const remedy = dtype === "f32" ? "load it as bf16 or use another backend" : "use another backend";
  throw new KernelError("OUT_OF_MEMORY", `${label}: the weights take ${needed} bytes, ${limit}; ${remedy}`);
}

/** Storage type of a parameter on the kernel: for matrices the requested one or the file's, f32 for everything else. */
function targetDType(
  kernel: Kernel,
  { spec, dtype }: MatchedParameter,
  requested: FloatDType | undefined,
): FloatDType {
  if (spec.storage === "f32") return "f32";
  const target = requested ?? dtype;
  const ops = spec.name.includes("embeddings") ? (["embedding", "linear"] as const) : (["linear"] as const);
  const isSupported = ops.every((op) => kernel.supports(op, target));
  if (isSupported && kernel.capabilities.storage.has(target)) return target;
  const message = `the ${kernel.name} kernel cannot store ${spec.name} as ${target}; pass dtype "f32" to widen it`;
  throw new CheckpointError("DTYPE", message);
}

/** The header was checked when the file was first opened. The file must not have changed since then. */
function checkUnchanged(file: WeightFile, { name, byteOffset, byteLength }: LocatedTensor): void {
  const now = file.tensors.get(name);
  if (now?.byteOffset === byteOffset && now.byteLength === byteLength) return;
  throw new CheckpointError("IO", `${file.name}: the file changed while it was being read`);
}
