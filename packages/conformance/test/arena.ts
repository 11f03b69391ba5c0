import {
  byteLength,
  byteOffset,
  type DType,
  elementCount,
  type HostArray,
  KernelError,
  type Shape,
  type Tensor,
} from "@mamba/kernel";

/** A piece of the arena, shared by the views of one tensor. */
interface Block {
  offset: number;
  bytes: number;
  users: number;
  version: number;
}

const alignment = 16;

/** All tensors of a kernel in one memory, first fit, so that a write past the end of one lands in its neighbour. */
export class Arena {
  readonly memory = new ArrayBuffer(64 * 1024 * 1024);
  #blocks: Block[] = [];
  tensors = 0;

  get bytes(): number {
    return this.#blocks.reduce((sum, block) => sum + block.bytes, 0);
  }

  allocate(bytes: number): Block {
    const size = Math.ceil(bytes / alignment) * alignment;
    let offset = 0;
    let index = 0;
    for (const block of this.#blocks) {
      if (block.offset - offset >= size) break;
      offset = block.offset + block.bytes;
      index++;
    }
    if (offset + size > this.memory.byteLength)
      throw new KernelError("OUT_OF_MEMORY", `no room for ${bytes} bytes`);
    const block = { offset, bytes: size, users: 0, version: 0 };
    this.#blocks.splice(index, 0, block);
    return block;
  }

  release(block: Block): void {
    block.users--;
    if (block.users === 0) this.#blocks = this.#blocks.filter((other) => other !== block);
  }
}

/** A handle on elements of an arena. */
export class ArenaTensor implements Tensor {
  readonly arena: Arena;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly rowStride: number;
  /** Of the first element, in the tensor's own elements from the start of its block. */
  readonly start: number;
  readonly #block: Block;
  #disposed = false;

  constructor(arena: Arena, block: Block, dtype: DType, shape: Shape, rowStride: number, start: number) {
    this.arena = arena;
    this.#block = block;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.rowStride = rowStride;
    this.start = start;
    block.users++;
    arena.tensors++;
  }

  static of(arena: Arena, dtype: DType, shape: Shape): ArenaTensor {
    const block = arena.allocate(byteLength(dtype, shape));
    return new ArenaTensor(arena, block, dtype, shape, shape[shape.length - 1] as number, 0);
  }

  get version(): number {
    return this.#block.version;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.arena.tensors--;
    this.arena.release(this.#block);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  view(shape: Shape, rowStride: number, start: number): ArenaTensor {
    return new ArenaTensor(this.arena, this.#block, this.dtype, shape, rowStride, start);
  }

  /** The arena from this tensor's first element on, to its end and, for who writes too much, beyond. */
  get elements(): HostArray {
    const { memory } = this.arena;
    const at = this.#block.offset + byteOffset(this.dtype, this.start);
    switch (this.dtype) {
      case "f32":
        return new Float32Array(memory, at);
      case "i32":
        return new Int32Array(memory, at);
      case "f16":
      case "bf16":
        return new Uint16Array(memory, at);
      default:
        return this.dtype satisfies never;
    }
  }

  /** A dense copy. */
  dense(): HostArray {
    const last = this.shape[this.shape.length - 1] as number;
    const rows = elementCount(this.shape) / last;
    const from = this.elements;
    const out = from.slice(0, rows * last);
    for (let r = 0; r < rows; r++)
      out.set(from.subarray(r * this.rowStride, r * this.rowStride + last), r * last);
    return out;
  }
}
