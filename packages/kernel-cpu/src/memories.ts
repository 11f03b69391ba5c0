import { type DType, KernelError } from "@mamba/kernel";
import type { Chunk } from "./allocator.ts";
import { createMemory, maxBytes } from "./heap.ts";
import { Instance } from "./instance.ts";
import type { SharedMemory } from "./platform.ts";
import { instantiateNow, type WasmBuild } from "./wasm.ts";

/** Settings that decide in which memory a weight lies, never results. */
export interface MemoryTuning {
  /** Matrices of quantised or 16-bit types leave the main memory when it would hold more bytes than this. */
  readonly mainBytes: number;
  /** The same limit for f32 matrices. It is higher: an optimizer and most other ops need them in the main memory. */
  readonly mainFloatBytes: number;
  /** Smaller matrices of quantised or 16-bit types stay in the main memory. */
  readonly smallBytes: number;
  /** Smaller f32 matrices stay in the main memory. */
  readonly smallFloatBytes: number;
  /** Bytes of weights in each further memory. One tensor alone may have more. */
  readonly memoryBytes: number;
}

const mebibyte = 2 ** 20;
/** Room in each further memory for the copies of inputs and outputs of a job that runs there, and for scratch. */
const roomBytes = 512 * mebibyte;

const defaultTuning: MemoryTuning = {
  mainBytes: 3072 * mebibyte,
  mainFloatBytes: 3840 * mebibyte,
  smallBytes: mebibyte,
  smallFloatBytes: 16 * mebibyte,
  memoryBytes: maxBytes - roomBytes,
};

/** The WebAssembly memories of a kernel. A 32-bit memory ends at 4 GiB, so weights beyond that lie in further ones. */
export class Memories {
  readonly main: Instance;
  readonly #further: Instance[] = [];
  readonly #build: WasmBuild;
  readonly #tuning: MemoryTuning;
  readonly #announce: (memory: SharedMemory, generation: number) => void;

  /**
   * @param announce sends a further memory to the workers, and makes them append its functions before they run other jobs
   */
  constructor(
    build: WasmBuild,
    main: Instance,
    tuning: Partial<MemoryTuning>,
    announce: (memory: SharedMemory, generation: number) => void,
  ) {
    this.#build = build;
    this.main = main;
    this.#tuning = { ...defaultTuning, ...tuning };
    this.#announce = announce;
  }

  /** Number of memories beside the main one. */
  get further(): number {
    return this.#further.length;
  }

  /** The instances of all memories, the main one first. */
  get instances(): readonly Instance[] {
    return [this.main, ...this.#further];
  }

  /** Bytes that all memories have grown to. */
  get committedBytes(): number {
    return this.instances.reduce((sum, { heap }) => sum + heap.committedBytes, 0);
  }

  /**
   * Allocates memory for a matrix that may be a weight.
   *
   * @throws KernelError `OUT_OF_MEMORY`; nothing has changed then
   */
  place(op: string, bytes: number, dtype: DType): { readonly instance: Instance; readonly chunk: Chunk } {
    const { mainBytes, mainFloatBytes, smallBytes, smallFloatBytes } = this.#tuning;
    const [limit, small] = dtype === "f32" ? [mainFloatBytes, smallFloatBytes] : [mainBytes, smallBytes];
    const { main } = this;
    if (dtype === "i32" || bytes < small || main.heap.liveBytes + bytes <= limit) {
      return { instance: main, chunk: main.heap.allocate(bytes, op) };
    }
    for (const instance of this.#further) {
      const fits = instance.weightBytes === 0 || instance.weightBytes + bytes <= this.#tuning.memoryBytes;
      const chunk = fits ? instance.heap.tryAllocate(bytes) : undefined;
      if (chunk) return { instance, chunk };
    }
    const instance = this.#add(op, bytes);
    return { instance, chunk: instance.heap.allocate(bytes, op) };
  }

  #add(op: string, bytes: number): Instance {
    let memory: SharedMemory;
    try {
      memory = createMemory();
    } catch (cause) {
      const held = `${this.main.heap.liveBytes} live in the main memory, ${this.further} further memories`;
      const message = `${op}: ${bytes} bytes asked, ${held}, and the engine gives no further one: ${String(cause)}`;
      throw new KernelError("OUT_OF_MEMORY", message, { cause });
    }
    const number = this.further + 1;
    const wasm = instantiateNow(this.#build, memory);
    const instance = new Instance(number, wasm, memory, this.main.wasm);
    this.#further.push(instance);
    this.#announce(memory, number);
    return instance;
  }
}
