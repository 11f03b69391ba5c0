import {
  formats,
  isQuantized,
  type Kernel,
  lastExtent,
  type Scope,
  type Tensor,
  type WeightDType,
} from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import { openWeights, type Weights } from "../formats/weights.ts";
import type { Progress } from "../sources/progress.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { checkType } from "./checkType.ts";
import { type Quantizers, quantizersFor } from "./convert.ts";
import type { MatchedParameter } from "./match.ts";
import { checkSpace, type NeededTensor } from "./space.ts";
import { buffersFor, type PlannedChunk, storedChunks } from "./storedChunks.ts";

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
  const { planned, needed, quantizers } = await planParameters(kernel, parameters, dtype);
  await checkSpace(kernel, needed, files.label);
  const work = planned.flatMap(({ chunks, spec, target }) =>
    chunks.map((chunk): PlannedChunk => ({ ...chunk, spec, target })),
  );
  const totalBytes = work.reduce((sum, { bytes: [start, end] }) => sum + end - start, 0);
  const buffers = buffersFor(work);
  const loaded = new Map<string, Tensor>();
  let doneBytes = 0;
  for (const name of weights.files) {
    await using file = await openWeights(files, name, { verify }, weights.headers?.get(name));
    if (!file) throw new CheckpointError("IO", `${files.label}: ${name} disappeared while it was being read`);
    const here = work.filter(({ tensor }) => tensor.file === name);
    for await (const { item, start, values, bytesRead } of storedChunks(file, here, buffers, quantizers)) {
      signal?.throwIfAborted();
      const { spec, target } = item;
      const device = loaded.get(spec.name) ?? scope.use(kernel.zeros(spec.shape, target));
      loaded.set(spec.name, device);
      kernel.write(device, start, values);
      doneBytes += bytesRead;
      onProgress?.({ phase: "load", file: name, doneBytes, totalBytes });
    }
    if (verify) await file.verify();
  }
  return loaded;
}

/**
 * Chooses the storage type of each parameter on a kernel.
 *
 * @param dtype the load option
 * @throws CheckpointError `DTYPE`
 */
export async function planParameters(
  kernel: Kernel,
  parameters: readonly MatchedParameter[],
  dtype: WeightDType | undefined,
) {
  checkType("dtype", dtype, weightTypes);
  const quantizers = await quantizersFor([dtype, ...parameters.map((parameter) => parameter.dtype)]);
  const isTied = !parameters.some(({ spec }) => spec.name === headName);
  const planned = parameters.map((parameter) => {
    const isOutput = parameter.spec.name === (isTied ? tableName : headName);
    return { ...parameter, isOutput, target: targetDType(kernel, parameter, dtype, isOutput, quantizers) };
  });
  const needed = planned.map(({ spec: { name, shape, storage }, target, isOutput }): NeededTensor => {
    return { name, shape, dtype: target, isMatrix: storage !== "f32", isOutput };
  });
  return { planned, needed, quantizers };
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
