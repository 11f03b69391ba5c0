import { type ByteSource, CheckpointError } from "@mamba/checkpoint/browser";
import type { SyncFile } from "./opfs.ts";
import type { Earlier, Incoming } from "./origin.ts";

/** Bytes between two flushes: after a crash of the machine these may be lost. */
const flushBytes = 4 * 2 ** 20;

/** The outside of a file that comes in. */
interface Supply {
  /** Opens the file at its origin, after the bytes that were received earlier; undefined when it is not there. */
  readonly connect: (earlier: Earlier) => Promise<Incoming | undefined>;
  /** Opens the file in the store, which may hold bytes of an earlier download. */
  readonly openSync: () => Promise<SyncFile>;
  /** Called after every chunk of the network. */
  readonly onBytes: () => void;
  readonly signal: AbortSignal;
}

/**
 * A file in the store that grows while it comes in. Its readers wait for the bytes that they need, so a header is read before the
 * rest comes; memory holds one chunk of the network. A file can be disconnected, and goes on later.
 */
export class IncomingFile {
  readonly name: string;
  readonly #file: SyncFile;
  readonly #supply: Supply;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #received = 0;
  #flushed = 0;
  #size: number | undefined;
  #version: string | undefined;
  #isComplete = false;

  private constructor(name: string, file: SyncFile, supply: Supply, first: Incoming) {
    this.name = name;
    this.#file = file;
    this.#supply = supply;
    this.#take(first);
  }

  /** Opens a file of the origin; undefined when it has none of this name. */
  static async open(name: string, earlier: Earlier, supply: Supply): Promise<IncomingFile | undefined> {
    const first = await supply.connect(earlier);
    if (!first) return undefined;
    try {
      return new IncomingFile(name, await supply.openSync(), supply, first);
    } catch (error) {
      await first.body.cancel().catch(() => undefined);
      throw error;
    }
  }

  /** Bytes that are in the store. */
  get received(): number {
    return this.#received;
  }

  /** Bytes of the whole file; undefined while they are unknown. */
  get size(): number | undefined {
    return this.#isComplete ? this.#received : this.#size;
  }

  get version(): string | undefined {
    return this.#version;
  }

  /** A reader of the file, at any offset. Closing it changes nothing. */
  get source(): ByteSource {
    return {
      name: this.name,
      size: this.size,
      read: async (offset, into) => {
        await this.#receive(offset + into.length);
        return this.#file.read(into, { at: offset });
      },
      close: () => Promise.resolve(),
    };
  }

  /** Receives the rest. @throws CheckpointError `TRUNCATED`, `IO` */
  async complete(): Promise<void> {
    await this.#receive(Infinity);
    this.#file.flush();
  }

  /** Ends the connection. The rest is requested again when it is needed. */
  async disconnect(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.cancel().catch(() => undefined); // a failed stream has ended already
  }

  /** Ends the connection and closes the file. */
  async close(): Promise<void> {
    await this.disconnect();
    this.#file.close();
  }

  async #receive(end: number): Promise<void> {
    const { onBytes, signal } = this.#supply;
    while (!this.#isComplete && this.#received < end) {
      signal.throwIfAborted();
      const { done, value } = await this.#next();
      if (done) this.#end();
      else {
        this.#write(value);
        onBytes();
      }
    }
  }

  async #next(): Promise<ReadableStreamReadResult<Uint8Array>> {
    const reader = this.#reader ?? (await this.#reconnect());
    try {
      return await reader.read();
    } catch (cause) {
      this.#reader = undefined;
      this.#supply.signal.throwIfAborted();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CheckpointError("IO", `${this.name}: the transfer was interrupted: ${reason}`, { cause });
    }
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      done += this.#file.write(bytes.subarray(done), { at: this.#received + done });
    }
    this.#received += bytes.length;
    if (this.#received - this.#flushed >= flushBytes) {
      this.#file.flush();
      this.#flushed = this.#received;
    }
  }

  #end(): void {
    this.#reader = undefined;
    if (this.#size !== undefined && this.#received !== this.#size) {
      const message = `${this.name}: received ${this.#received} bytes, ${this.#size} were announced`;
      throw new CheckpointError("TRUNCATED", message);
    }
    this.#isComplete = true;
  }

  async #reconnect(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const next = await this.#supply.connect({ received: this.#received, version: this.#version });
    if (!next) throw new CheckpointError("IO", `${this.name}: the file is no longer there`);
    return this.#take(next);
  }

  #take({ body, start, size, version }: Incoming): ReadableStreamDefaultReader<Uint8Array> {
    this.#file.truncate(start);
    this.#received = this.#flushed = start;
    this.#size = size;
    this.#version = version;
    return (this.#reader = body.getReader());
  }
}
