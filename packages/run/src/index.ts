import type { Kernel } from "@mamba/kernel";
import { openBest, probeOne } from "./backends/openBest.ts";
import type { BackendName, BackendOptions, ProbedBackend } from "./backends/options.ts";
import type { OpenModel } from "./model/openModel.ts";
import type { ModelSource, OpenOptions } from "./model/options.ts";
import { nodeBackends } from "./node/nodeBackends.ts";
import { startWorker } from "./node/startWorker.ts";
import type { OpenInWorkerOptions, WorkerModel } from "./worker/workerModel.ts";

export * from "./common.ts";
export type { OpenModel } from "./model/openModel.ts";

/** The backends of Node, best first: "cuda", "webgpu", "cpu". */
export const backendNames: readonly BackendName[] = nodeBackends.names;

/**
 * Opens the backend that is named, and never another one; without a name a GPU if there is one, and otherwise the CPU. A
 * software device is opened by its name only. WebGPU and CUDA are probed in processes of their own, so that a broken driver ends none but those.
 *
 * @throws RunError `OPTIONS`; KernelError `NO_BACKEND`, or the code of the reason why the named backend is not available; the signal's reason
 */
export function openBestKernel(options: BackendOptions = {}): Promise<Kernel> {
  return openBest(nodeBackends, options);
}

/**
 * Probes one backend, in a process of its own where that loads a driver.
 *
 * @throws RunError `OPTIONS` for an unknown name; the signal's reason
 */
export async function probeBackend(
  name: BackendName,
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<ProbedBackend> {
  return probeOne(nodeBackends, name, options);
}

/** Probes all backends, best first. */
export function probeBackends(
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<readonly ProbedBackend[]> {
  return Promise.all(backendNames.map((name) => probeBackend(name, options)));
}

/**
 * Opens a model in this thread: the best backend or the named one, the weights, the tokenizer, and an adapter where there is one.
 *
 * @param source a folder, a GGUF file, the name of a model on the hub, a URL, or files; the folder or URL of a LoRA adapter opens the model that
 * the adapter names, with the adapter attached
 * @throws RunError `OPTIONS`; the errors of `openBestKernel`, `loadCheckpoint` and `loadAdapter`; the signal's reason
 */
export async function openModel(source: ModelSource, options: OpenOptions = {}): Promise<OpenModel> {
  const [{ openOn }, { nodeModels }] = await Promise.all([
    import("./model/openModel.ts"),
    import("./node/nodeModels.ts"),
  ]);
  return openOn(nodeModels, source, options);
}

/**
 * Opens a model in a worker, so that this thread never computes. The worker keeps the process alive while a request waits, and not between
 * requests; `dispose` ends it.
 *
 * @param source as for `openModel`, but files behind functions
 * @throws RunError `OPTIONS`, `WORKER`; the errors of `openModel`; the signal's reason
 */
export async function openInWorker(
  source: ModelSource,
  options: OpenInWorkerOptions = {},
): Promise<WorkerModel> {
  const { openRemote } = await import("./worker/openRemote.ts");
  return openRemote({ names: backendNames, startWorker, absolute: (address) => address }, source, options);
}
