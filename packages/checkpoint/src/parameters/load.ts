import {
  byteLength,
  formats,
  isQuantized,
  type Kernel,
  KernelError,
  lastExtent,
  type Scope,
  type Tensor,
  type WeightDType,
} from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { type LocatedTensor, openWeights, type WeightFile, type Weights } from "../formats/weights.ts";
import type { Progress } from "../sources/progress.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { convertValues, fromStored, type Quantizers, quantizersFor, viewValues } from "./convert.ts";
import type { MatchedChunk, MatchedParameter } from "./match.ts";

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
  const quantizers = await quantizersFor([dtype, ...parameters.map((parameter) => parameter.dtype)]);
  const isTied = !parameters.some(({ spec }) => spec.name === headName);
  const planned = parameters.map((parameter) => ({
    ...parameter,
    target: targetDType(kernel, parameter, dtype, isTied, quantizers),
  }));
  checkSpace(kernel, planned, dtype, files.label);
  const work = planned.flatMap(({ chunks, spec, target }) =>
    chunks.map((chunk) => ({ ...chunk, spec, target })),
  );
  const totalBytes = work.reduce((sum, { bytes: [start, end] }) => sum + end - start, 0);
  const buffer = new Uint8Array(Math.min(bufferBytes, Math.ceil(totalBytes / 8) * 8));
  const loaded = new Map<string, Tensor>();
  let doneBytes = 0;
  for (const name of weights.files) {
    await using file = await openWeights(files, name, { verify });
    if (!file) throw new CheckpointError("IO", `${files.label}: ${name} disappeared while it was being read`);
    const here = work.filter(({ tensor }) => tensor.file === name);
    here.sort((a, b) => firstByte(a) - firstByte(b)); // a download cannot go back
    for (const { spec, target, tensor, dtype: stored, bytes, firstElement, factor, stores, order } of here) {
      checkUnchanged(file, tensor);
      const device = loaded.get(spec.name) ?? scope.use(kernel.zeros(spec.shape, target));
      loaded.set(spec.name, device);
      const { blockBytes, blockElements } = formats[stored];
      const columns = order?.length ?? lastExtent(spec.shape);
      const needsRows = order !== undefined || isQuantized(target) || isQuantized(stored);
      const wholeBlocks = wholeChunks(buffer, needsRows ? byteLength(stored, [columns]) : blockBytes);
      const map = fromStored(stores);
      const conversion = { from: stored, to: target, columns, factor, map, order, quantizers };
      let start = firstElement;
      for await (const chunk of file.chunks(tensor.name, wholeBlocks, bytes)) {
        signal?.throwIfAborted();
        const where = `${file.name}: ${tensor.name}`;
        const inTensor = (bytes[0] / blockBytes) * blockElements + start - firstElement;
        kernel.write(device, start, convertValues(viewValues(chunk, stored), conversion, where, inTensor));
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
  parameters: readonly (MatchedParameter & { readonly target: WeightDType })[],
  dtype: WeightDType | undefined,
  label: string,
): void {
  const { maxBytes, maxTensorBytes } = kernel.capabilities;
  let needed = 0;
  for (const { spec, target } of parameters) {
    const bytes = byteLength(target, spec.shape);
    needed += bytes;
    if (bytes <= maxTensorBytes) continue;
    const limit = `the largest tensor of the ${kernel.name} backend has ${maxTensorBytes}`;
    const message = `${label}: ${spec.name} takes ${bytes} bytes as ${target}, ${limit}`;
    throw new KernelError("OUT_OF_MEMORY", `${message}; use another backend`);
  }
  if (maxBytes === undefined) return;
  const used = kernel.memory().bytes;
  if (used + needed <= maxBytes) return;
  const limit = `the ${kernel.name} backend has ${maxBytes}, of which ${used} are in use`;
  const remedy = dtype === "f32" ? "load it as bf16 or use another backend" : "use another backend";
  throw new KernelError("OUT_OF_MEMORY", `${label}: the weights take ${needed} bytes, ${limit}; ${remedy}`);
}

const headName = "lm_head.weight";

/** Storage type of a parameter on the kernel: for matrices the requested one or the file's, f32 for everything else. */
function targetDType(
  kernel: Kernel,
  { spec, dtype }: MatchedParameter,
  requested: WeightDType | undefined,
  isTied: boolean,
  quantizers: Quantizers | undefined,
): WeightDType {
  if (spec.storage === "f32") return "f32";
  const isTable = spec.name.includes("embeddings");
  const isOutput = spec.name === headName || (isTable && isTied);
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
