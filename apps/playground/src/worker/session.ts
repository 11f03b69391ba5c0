import { KernelError } from "@mamba/kernel";
import type { MemoryBudget } from "../device.ts";
import type { BackendId, Report } from "../protocol.ts";
import { RunningModel } from "./runningModel.ts";

/** The current model and the current backend. */
export class Session {
  readonly #report: (report: Report) => void;
  #backend: BackendId;
  #modelId: string | undefined;
  #running: RunningModel | undefined;
  /** The memory for this page; undefined when only the backend limits it. */
  budget: MemoryBudget | undefined;

  constructor(backend: BackendId, report: (report: Report) => void) {
    this.#backend = backend;
    this.#report = report;
  }

  /** The current backend. */
  get backend(): BackendId {
    return this.#backend;
  }

  /** Loads a stored model onto the current backend. The previous model is closed before, which frees its memory, unless the new one does not fit. */
  async use(id: string, signal: AbortSignal): Promise<void> {
    const running = await RunningModel.open(id, this.#backend, {
      report: this.#report,
      budget: this.budget,
      held: 0,
      onFit: () => this.close(),
      signal,
    });
    await this.switchTo(running);
    this.#modelId = id;
    this.#report({ type: "loaded", model: running.describe() });
  }

  /** Closes the model if it is this one. */
  async closeIf(id: string): Promise<void> {
    if (this.#modelId === id) await this.close();
  }

  /** Closes the model and its backend. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = this.#modelId = undefined;
    this.#report({ type: "loaded", model: undefined });
    this.#report({ type: "conversation", conversation: undefined, problem: undefined });
    await running?.[Symbol.asyncDispose]();
  }

  /** Changes the backend, and moves the model to it. If the new one does not open, nothing changes. */
  async changeBackend(backend: BackendId, signal: AbortSignal): Promise<void> {
    if (backend === this.#backend) return;
    if (this.#modelId !== undefined) await this.switchTo(await this.openOn(backend, signal));
    else this.#report({ type: "running", backend, device: undefined });
    this.#backend = backend;
  }

  /** The model on the current backend. Opens the backend again after its device was lost. */
  async current(signal: AbortSignal): Promise<RunningModel> {
    return (this.#running ??= await this.openOn(this.#backend, signal));
  }

  /** Opens the model on a backend, beside the current one. */
  async openOn(backend: BackendId, signal: AbortSignal): Promise<RunningModel> {
    if (this.#modelId === undefined) throw new Error("no model is loaded");
    const { budget, memoryBytes: held } = this;
    return RunningModel.open(this.#modelId, backend, { report: this.#report, budget, held, signal });
  }

  /** Makes an open model and its backend the current ones, then closes the previous ones. */
  async switchTo(next: RunningModel): Promise<void> {
    const last = this.#running;
    this.#running = next;
    this.#backend = next.backend;
    this.#report({ type: "running", backend: next.backend, device: next.kernel.capabilities.device });
    await last?.[Symbol.asyncDispose]();
  }

  /** Bytes that the model takes on the backend. */
  get memoryBytes(): number {
    return this.#running?.kernel.memory().bytes ?? 0;
  }

  /** Closes a device that was lost. The next text opens it again. */
  async recover(error: unknown): Promise<void> {
    if (!KernelError.is(error, "DEVICE_LOST") || !this.#running) return;
    const lost = this.#running;
    this.#running = undefined;
    await lost[Symbol.asyncDispose]();
  }
}
