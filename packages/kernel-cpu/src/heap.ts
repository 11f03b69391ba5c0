import { type DType, type HostArray, isQuantized, KernelError } from "@mamba/kernel";
import { Allocator, type Chunk, lineBytes } from "./allocator.ts";
import { platform, type SharedMemory } from "./platform.ts";

const pageBytes = 65536;
const maxPages = 65536;
// The last page stays unused, so that the address after the end of a tensor never wraps around to 0.
const usablePages = maxPages - 1;
const growthPages = 16;

/** The most that a 32-bit WebAssembly memory can hold. */
export const maxBytes = pageBytes * usablePages;

/** A shared WebAssembly memory, reserved at its maximum and committed by the operating system as it is touched. */
export function createMemory(): SharedMemory {
  return new platform.WebAssembly.Memory({ initial: growthPages, maximum: maxPages, shared: true });
}

/** Allocation and host access over one WebAssembly memory. */
export class Heap {
  readonly #memory: SharedMemory;
  readonly #allocator: Allocator;
  /** Lines from here on were never handed out: they are zeros. */
  #untouched: number;
  #liveBytes = 0;

  /** @param base the first byte that is ours; what lies below belongs to the module. */
  constructor(memory: SharedMemory, base: number) {
    this.#memory = memory;
    const first = Math.ceil(base / lineBytes);
    this.#untouched = first;
    this.#allocator = new Allocator(first);
    this.#allocator.grow(memory.buffer.byteLength / lineBytes - first);
  }

  /** Bytes of all chunks in use, rounded up to lines. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Bytes that the memory has grown to. It never shrinks. */
  get committedBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /**
   * Allocates a chunk with undefined content; `Chunk.used` lines of it may hold other values than 0.
   *
   * @throws KernelError `OUT_OF_MEMORY`; nothing has changed then
   */
  allocate(bytes: number, op: string): Chunk {
    const lines = Math.max(1, Math.ceil(bytes / lineBytes));
    let chunk = this.#allocator.allocate(lines);
    if (!chunk) {
      this.#grow(lines, bytes, op);
      chunk = this.#allocator.allocate(lines);
      if (!chunk) throw new Error(`${op}: the heap has no chunk of ${lines} lines after growing`);
    }
    this.#liveBytes += lines * lineBytes;
    chunk.used = Math.min(lines, Math.max(0, this.#untouched - chunk.start));
    this.#untouched = Math.max(this.#untouched, chunk.start + lines);
    return chunk;
  }

  /** Allocates like `allocate`; undefined when the memory has no such chunk and cannot grow. */
  tryAllocate(bytes: number): Chunk | undefined {
    try {
      return this.allocate(bytes, "allocate");
    } catch (error) {
      if (KernelError.is(error, "OUT_OF_MEMORY")) return undefined;
      throw error;
    }
  }

  free(chunk: Chunk): void {
    this.#liveBytes -= chunk.lines * lineBytes;
    this.#allocator.free(chunk);
  }

  /** A typed array over the memory of `count` elements at byte `address`; of a quantised type, over `count` bytes. */
  view(dtype: DType, address: number, count: number): HostArray {
    const { buffer } = this.#memory;
    if (dtype === "f32") return new Float32Array(buffer, address, count);
    if (dtype === "i32") return new Int32Array(buffer, address, count);
    if (isQuantized(dtype)) return new Uint8Array(buffer, address, count);
    return new Uint16Array(buffer, address, count);
  }

  /** A view of `count` bytes. */
  bytes(address: number, count: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, count);
  }

  /** Writes float64 numbers at a multiple of 8. */
  writeDoubles(address: number, values: readonly number[]): void {
    new Float64Array(this.#memory.buffer, address, values.length).set(values);
  }

  /** Writes whole numbers of 32 bits at a multiple of 4. */
  writeWords(address: number, values: Uint32Array): void {
    new Uint32Array(this.#memory.buffer, address, values.length).set(values);
  }

  /** A copy of `count` elements at byte `address`, in memory that is not shared. */
  copy(dtype: DType, address: number, count: number): HostArray {
    return this.view(dtype, address, count).slice();
  }

  /** Copies bytes from another heap, or from another chunk of this one, to byte `address`. */
  copyFrom(source: Heap, from: number, bytes: number, address: number): void {
    new Uint8Array(this.#memory.buffer, address, bytes).set(
      new Uint8Array(source.#memory.buffer, from, bytes),
    );
  }

  #grow(lines: number, bytes: number, op: string): void {
    const held = this.committedBytes;
    const missing = Math.ceil((this.#allocator.shortfall(lines) * lineBytes) / pageBytes);
    const room = usablePages - held / pageBytes;
    const pages = Math.min(Math.max(missing, growthPages), room);
    try {
      if (missing > room) throw new RangeError("a 32-bit WebAssembly memory ends at 4 GiB");
      this.#memory.grow(pages);
    } catch (cause) {
      const message = `${op}: ${bytes} bytes asked, ${this.#liveBytes} live, the limit is 4 GiB (${maxBytes} bytes)`;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new KernelError("OUT_OF_MEMORY", `${message}: ${why}`, { cause });
    }
    this.#allocator.grow((this.committedBytes - held) / lineBytes);
  }
}
