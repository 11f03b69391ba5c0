import { RunError } from "../errors.ts";
import { messageOf } from "../messageOf.ts";
import type { WorkerPort } from "./ports.ts";
import type { Asked, Items, MessageChange, Report, Request, Results } from "./protocol.ts";
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

type Last = Extract<Report, { readonly type: "done" }>;

interface Pending {
  readonly onReport: ((report: Report) => void) | undefined;
  /** The reason of an abort, for the caller. */
  readonly abortReason: () => unknown;
  resolve(last: Last): void;
  reject(error: unknown): void;
}

/** The requests of a thread to its worker. */
export class Connection {
  readonly #port: WorkerPort;
  readonly #pending = new Map<number, Pending>();
  #onMessages: ((change: MessageChange) => void) | undefined;
  #nextId = 0;
  #end: Error | undefined;

  constructor(port: WorkerPort) {
    this.#port = port;
    port.hold(false);
    port.onReport((report) => this.#receive(report));
    port.onEnd((reason) => {
      this.#finish(reason);
      void port.terminate(); // a worker of a browser goes on after an error
    });
  }

  /** True when there are no further requests: the connection was closed, or the worker has ended. */
  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Sets the listener that sees each change of a conversation's messages, before its request ends. */
  set onMessages(listener: (change: MessageChange) => void) {
    this.#onMessages = listener;
  }

  /**
   * Sends a request and waits for its end.
   *
   * @throws RunError `WORKER`, `DISPOSED`, `OPTIONS` for what cannot be sent; the errors of the request; the signal's reason
   */
  async ask<K extends Asked["type"]>(
    type: K,
    question: Omit<Question<K>, "type">,
    options: AskOptions = {},
  ): Promise<Results[K]> {
    const { result } = await this.#send(type, question, options).last;
    return result as Results[K];
  }

  /**
   * Sends a request and gives the items of its stream. When the reader leaves, the stream ends in the worker first.
   *
   * @throws as `ask`
   */
  async *stream<K extends keyof Items>(
    type: K,
    question: Omit<Question<K>, "type">,
    options: AskOptions = {},
  ): AsyncGenerator<Items[K], void, undefined> {
    const arrived: (readonly Items[K][])[] = [];
    let wake = (): void => undefined;
    const { id, last } = this.#send(type, question, {
      ...options,
      onReport(report) {
        if (report.type === "items") arrived.push(report.items as readonly Items[K][]);
        else options.onReport?.(report);
        wake();
      },
    });
    let isOver = false;
    const over = () => {
      isOver = true;
      wake();
    };
    last.then(over, over);
    try {
      for (;;) {
        const items = arrived.shift();
        if (items) {
          yield* items;
          if (!isOver) this.#post({ type: "taken", id });
        } else if (isOver) break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      yield* (await last).items as readonly Items[K][];
    } finally {
      if (!isOver) {
        this.#post({ type: "abort", id });
        await last.catch((error: unknown) => {
          if (error !== left) throw error;
        });
      }
    }
  }

  /** Frees the model and ends the worker. Requests that wait and later ones reject with `reason`. */
  async close(reason: RunError): Promise<void> {
    if (this.#end) return;
    const { id, last } = this.#send("close", {}, {});
    this.#finish(reason, id);
    await last;
    await this.#port.terminate();
  }

  /** Ends the worker without a word to it. */
  async terminate(reason: Error): Promise<void> {
    this.#finish(reason);
    await this.#port.terminate();
  }

  #send<K extends Asked["type"]>(
    type: K,
    question: Omit<Question<K>, "type">,
    { signal, transfer = [], onReport }: AskOptions,
  ): { readonly id: number; readonly last: Promise<Last> } {
    if (this.#end) throw this.#end;
    signal?.throwIfAborted();
    const id = this.#nextId++;
    try {
      this.#post({ type, id, ...question } as unknown as Request, transfer);
    } catch (cause) {
      const message = `${type}: ${uncloneable(question)} cannot be sent to a worker: ${messageOf(cause)}`;
      throw new RunError("OPTIONS", message, { cause });
    }
    const abort = (): void => this.#post({ type: "abort", id });
    signal?.addEventListener("abort", abort, { once: true });
    const last = new Promise<Last>((resolve, reject) => {
      const abortReason = (): unknown => (signal?.aborted ? signal.reason : left);
      this.#pending.set(id, { onReport, abortReason, resolve, reject });
    });
    this.#port.hold(true);
    return { id, last: last.finally(() => signal?.removeEventListener("abort", abort)) };
  }

  #post(request: Request, transfer: readonly Transferable[] = []): void {
    if (!this.#end) this.#port.post(request, transfer);
  }

  #receive(report: Report): void {
    // "refused" answers a message that was not sent from here.
    if (report.type === "refused") return;
    const pending = this.#pending.get(report.id);
    if (pending === undefined) return;
    if (report.type !== "done" && report.type !== "failed" && report.type !== "aborted") {
      pending.onReport?.(report);
      return;
    }
    if (report.messages) this.#onMessages?.(report.messages);
    this.#settle(report.id);
    if (report.type === "done") pending.resolve(report);
    else pending.reject(report.type === "failed" ? receivedError(report.error) : pending.abortReason());
  }

  #settle(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#port.hold(false);
  }

  /** Rejects all requests but `except`, now and later. */
  #finish(reason: Error, except?: number): void {
    this.#end ??= reason;
    for (const [id, pending] of this.#pending) {
      if (id === except) continue;
      this.#settle(id);
      pending.reject(reason);
    }
  }
}

/** The error of a stream whose reader has left. */
const left = new Error("the reader has left");

/** The path of a value that cannot be cloned, for a message. */
function uncloneable(value: object, path = "", outer: readonly object[] = []): string {
  if (outer.includes(value)) return "";
  for (const [name, part] of Object.entries(value)) {
    const here = path === "" ? name : `${path}.${name}`;
    if (typeof part === "function") return here;
    if (
      typeof part === "object" &&
      part !== null &&
      [Object.prototype, null].includes(Object.getPrototypeOf(part) as object | null)
    ) {
      const found = uncloneable(part as object, here, [...outer, value]);
      if (found !== "") return found;
    } else if (!isCloneable(part)) return here;
  }
  return path === "" ? "a value" : "";
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
