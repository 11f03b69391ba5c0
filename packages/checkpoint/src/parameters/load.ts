import type { SafetensorsFile } from "@mamba/core/safetensors";
import { byteLength, type FloatDType, formats, type Kernel, type Scope, type Tensor } from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { type LocatedTensor, openWeights, type Weights } from "../formats/safetensors/weights.ts";
import type { Progress } from "../sources/progress.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { checkFinite, convertValues, reorderRows, viewValues } from "./convert.ts";
import type { MatchedChunk, MatchedParameter } from "./match.ts";
import { type BytesToRead, readAhead } from "./readAhead.ts";
import { checkSpace } from "./space.ts";

/** Options of every `loadCheckpoint`. */
export interface LoadOptions {
  /** Store the large matrices as this type. Default: as in the file. All other tensors become f32. */
  readonly dtype?: FloatDType | undefined;
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
  const work = parameters.flatMap((parameter) => {
    const target = targetDType(kernel, parameter, dtype);
    return parameter.chunks.map((chunk) => ({ ...chunk, spec: parameter.spec, target }));
  });
  const needs = parameters.map((parameter) => {
    const { name, shape, storage } = parameter.spec;
    return { name, shape, dtype: targetDType(kernel, parameter, dtype), isMatrix: storage !== "f32" };
  });
  checkSpace(kernel, needs, files.label);
  const totalBytes = work.reduce((sum, { bytes: [start, end] }) => sum + end - start, 0);
  const largestUnit = work.reduce((largest, item) => Math.max(largest, unitBytes(item)), 8);
  const size = Math.max(largestUnit, Math.min(bufferBytes, Math.ceil(totalBytes / 8) * 8));
  const buffers = [new Uint8Array(size), new Uint8Array(size)] as const;
  const loaded = new Map<string, Tensor>();
  let doneBytes = 0;
  for (const name of weights.files) {
    await using file = await openWeights(files, name, { verify });
    if (!file) throw new CheckpointError("IO", `${files.label}: ${name} disappeared while it was being read`);
    const here = work.filter(({ tensor }) => tensor.file === name);
    here.sort((a, b) => firstByte(a) - firstByte(b)); // a download cannot go back
    for (const { tensor } of here) checkUnchanged(file, tensor);
    const chunks = here.flatMap((item) => chunksOf(item, size));
    for await (const [{ item, range }, chunk] of readAhead(file, chunks, buffers)) {
      signal?.throwIfAborted();
      const { spec, target, tensor, dtype: stored, bytes, firstElement, factor, order } = item;
      const device = loaded.get(spec.name) ?? scope.use(kernel.zeros(spec.shape, target));
      loaded.set(spec.name, device);
      const { blockBytes, blockElements } = formats[stored];
      const read = viewValues(chunk, stored);
      const values = convertValues(read, stored, target, factor);
      const where = `${file.name}: ${tensor.name}`;
      const inTensor = (range[0] / blockBytes) * blockElements;
      checkFinite({ values, dtype: target }, { values: read, dtype: stored, factor }, where, inTensor);
      const start = firstElement + inTensor - (bytes[0] / blockBytes) * blockElements;
      kernel.write(device, start, reorderRows(values, order));
      doneBytes += chunk.length;
      onProgress?.({ phase: "load", file: name, doneBytes, totalBytes });
    }
    if (verify) await file.verify();
  }
  return loaded;
}

/** The bytes that a chunk of a tensor is a multiple of. */
function unitBytes({ dtype, order }: MatchedChunk): number {
  return order ? byteLength(dtype, [order.length]) : formats[dtype].blockBytes;
}

/** Divides the bytes of a tensor that are read into chunks of whole units that fit a buffer. */
function chunksOf<C extends MatchedChunk>(item: C, size: number): (BytesToRead & { readonly item: C })[] {
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
function checkUnchanged(file: SafetensorsFile, { name, byteOffset, byteLength }: LocatedTensor): void {
  const now = file.tensors.get(name);
  if (now?.byteOffset === byteOffset && now.byteLength === byteLength) return;
  throw new CheckpointError("IO", `${file.name}: the file changed while it was being read`);
}
