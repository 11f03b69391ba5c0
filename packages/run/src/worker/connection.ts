import { RunError } from "../errors.ts";
import { type Asked, type Items, type MessageChange, type Report, type Request, type Results } from "./protocol.ts";
import type { WorkerPort } from "./ports.ts";
import { receivedError } from "./sentError.ts";

/** A request without its id, which the connection gives. */
export type Question<K extends Asked["type"] = Asked["type"]> = K extends unknown
  ? Omit<Extract<Asked, { readonly type: K }>, "id">
  : never;

/** Hooks of a request. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly Transferable[] | undefined;
  /** Sees every report of the request but the last. */
  readonly onReport?: ((report: Report) => void) | undefined;
}

interface Pending {
  readonly signal: AbortSignal | undefined;
  readonly onReport: ((report: Report) => void) | undefined;
  resolve(last: Extract<Report, { type: "done" }>): void;
  reject(error: unknown): void;
}

/** The requests of a thread to its worker. */
export class Connection {
  readonly #port: WorkerPort;
  readonly #pending = new Map<number, Pending>();
  readonly #onMessages: (change: MessageChange) => void;
  #nextId = 0;
  #end: RunError | undefined;

  /** @param onMessages sees each change of a conversation's messages, before its request ends */
  constructor(port: WorkerPort, onMessages: (change: MessageChange) => void) {
    this.#port = port;
    this.#onMessages = onMessages;
    port.hold(false);
    port.onReport((report) => this.#receive(report));
    port.onEnd((reason) => this.#fail(reason));
  }

  /** The reason why there are no further requests; undefined while there are. */
  get end(): RunError | undefined {
    return this.#end;
  }

  /**
   * Sends a request and waits for its end.
   *
   * @throws RunError `WORKER`, `DISPOSED`, `OPTIONS` for what cannot be sent; the errors of the request; the signal's reason
   */
  ask<K extends Asked["type"]>(question: Question<K>, options: AskOptions = {}): Promise<Results[K]> {
    return this.#ask(question as Question, options).last.then(({ result }) => result as Results[K]);
  }

  /** Sends a request and gives the items of its stream. When the reader leaves, the stream ends in the worker first. */
  async *stream<K extends keyof Items>(
    question: Question<K>,
    { onReport, ...options }: AskOptions = {},
  ): AsyncGenerator<Items[K], void, undefined> {
    const arrived: (readonly Items[K][])[] = [];
    let wake: () => void = () => undefined;
    const { id, last } = this.#ask(question as Question, {
      ...options,
      onReport(report) {
        if (report.type === "items") arrived.push(report.items as readonly Items[K][]);
        else onReport?.(report);
        wake();
      },
    });
    let isOver = false;
    const over = last.finally(() => {
      isOver = true;
      wake();
    });
    // Reported below, where the reader is.
    over.catch(() => undefined);
    try {
      for (;;) {
        const items = arrived.shift();
        if (items) {
          yield* items;
          if (!isOver) this.#post({ type: "taken", id }, []);
        } else if (isOver) break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      yield* (await last).items as readonly Items[K][];
    } finally {
      if (!isOver) {
        this.#post({ type: "abort", id }, []);
        await over.catch((error: unknown) => {
          if (error !== aborted) throw error;
        });
      }
    }
  }

  /** Ends the connection: requests that wait and later ones reject with `reason`. */
  async close(reason: RunError): Promise<void> {
    if (this.#end) return;
    const closed = this.ask<"close">({ type: "close" });
    const { id } = { id: this.#nextId - 1 };
    this.#rejectAll(reason, id);
    this.#end = reason;
    await closed;
    await this.#port.terminate();
  }

  #ask(
    question: Question,
    { signal, transfer = [], onReport }: AskOptions,
  ): { readonly id: number; readonly last: Promise<Extract<Report, { type: "done" }>> } {
    if (this.#end) throw this.#end;
    signal?.throwIfAborted();
    const id = this.#nextId++;
    this.#post({ ...question, id } as Request, transfer);
    const abort = (): void => this.#post({ type: "abort", id }, []);
    signal?.addEventListener("abort", abort, { once: true });
    const last = new Promise<Extract<Report, { type: "done" }>>((resolve, reject) => {
      this.#pending.set(id, { signal, onReport, resolve, reject });
    });
    this.#port.hold(true);
    return { id, last: last.finally(() => signal?.removeEventListener("abort", abort)) };
  }
}
