import type { Kernel } from "@mamba/kernel";
import { openBest, probeOne } from "./backends/openBest.ts";
import type { BackendName, BackendOptions, ProbedBackend } from "./backends/options.ts";
import { browserBackendNames } from "./browser/browserBackendNames.ts";
import { browserBackends } from "./browser/browserBackends.ts";
import { RunError } from "./errors.ts";
import type { OpenModel } from "./model/openModel.ts";
import type { ModelSource, OpenOptions } from "./model/options.ts";
import { openRemote } from "./worker/openRemote.ts";
import type { OpenInWorkerOptions, WorkerModel } from "./worker/workerModel.ts";

export * from "./common.ts";
export type { OpenModel } from "./model/openModel.ts";

/** The backends of browsers, best first: "webgpu", "cpu". */
export const backendNames: readonly BackendName[] = browserBackendNames;

/**
 * Opens the backend that is named, and never another one; without a name WebGPU on a GPU, and otherwise the CPU: with threads
 * on a cross-origin isolated page, else with one. A software device is opened by its name only.
 *
 * @throws RunError `OPTIONS`; KernelError `NO_BACKEND`, or the code of the reason why the named backend is not available; the signal's reason
 */
export function openBestKernel(options: BackendOptions = {}): Promise<Kernel> {
  return openBest(browserBackends, options);
}

/**
 * Probes one backend.
 *
 * @throws RunError `OPTIONS` for an unknown name; the signal's reason
 */
export async function probeBackend(
  name: BackendName,
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<ProbedBackend> {
  return probeOne(browserBackends, name, options);
}

/** Probes all backends, best first. */
export function probeBackends(
  options: Pick<BackendOptions, "cpu" | "signal"> = {},
): Promise<readonly ProbedBackend[]> {
  return Promise.all(backendNames.map((name) => probeBackend(name, options)));
}

/**
 * Opens a model in this thread: the best backend or the named one, the weights, the tokenizer, and an adapter where there is one. A page
 * should use `openInWorker`, since a thread that computes does not draw.
 *
 * @param source a URL, absolute or relative to the page, of a folder or of a GGUF file; files; the URL of a LoRA adapter opens the model that the
 * adapter names, with the adapter attached
 * @throws RunError `OPTIONS`; the errors of `openBestKernel`, `loadCheckpoint` and `loadAdapter`; the signal's reason
 */
export async function openModel(source: ModelSource, options: OpenOptions = {}): Promise<OpenModel> {
  const [{ openOn }, { browserModels }] = await Promise.all([
    import("./model/openModel.ts"),
    import("./browser/browserModels.ts"),
  ]);
  return openOn(browserModels, source, options);
}

/**
 * Opens a model in the worker that is given, whose script imports `@mamba/run/worker`. The page neither computes nor splits text into tokens.
 *
 * @param source as for `openModel`, but files behind functions
 * @throws RunError `OPTIONS`, `WORKER`; the errors of `openModel`; the signal's reason
 */
export async function openInWorker(
  source: ModelSource,
  options: OpenInWorkerOptions & Required<Pick<OpenInWorkerOptions, "worker">>,
): Promise<WorkerModel> {
  return openRemote({ names: backendNames, startWorker: noWorker, absolute }, source, options);
}

function noWorker(): never {
  const made = 'new Worker(new URL("./worker.js", import.meta.url), { type: "module" })';
  throw new RunError("OPTIONS", `openInWorker: give a worker, ${made}, whose file imports @mamba/run/worker`);
}

/** An address relative to the page: in a worker it would be relative to the worker's script. */
function absolute(address: string): string {
  const base = (globalThis as { document?: Document }).document?.baseURI ?? location.href;
  return URL.canParse(address, base) ? new URL(address, base).href : address;
}
