import type { Session } from "./addon.ts";
import { type KernelName, signatures } from "./kernels.ts";
import type { CudaTensor } from "./tensor.ts";

/**
 * An argument of a GPU kernel. A tensor or an address becomes a pointer, an absent tensor a null pointer, and an array of
 * words a struct whose remaining words are 0.
 */
export type Arg = CudaTensor | Uint32Array | number | boolean | undefined;

/** The number of blocks of threads, in one to three dimensions. */
export type Grid = number | readonly [x: number, y: number, z?: number];

/** The cuBLAS product C = op(A) · op(B) in column-major f32: op transposes or not, C is m x n, the inner extent is k. */
export interface Sgemm {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: CudaTensor | number;
  readonly lda: number;
  readonly b: CudaTensor | number;
  readonly ldb: number;
  readonly c: CudaTensor | number;
  readonly ldc: number;
}

/**
 * Launches per submission: enough for a graph to save time, and few enough that the device starts while the rest of a large
 * step is still being recorded.
 */
const maxRecords = 128;
const maxWords = 2 ** 15;
const header = 6;
/** Marks a record as a cuBLAS product, in place of the index of a GPU kernel. */
const sgemmRecord = 0xffffffff;

/**
 * Records launches and submits them in batches: before a read, before a large write by the host, and when a batch is full.
 * The addon replays a batch that it has seen before as one CUDA graph.
 *
 * The words of a record: the index of the GPU kernel, the grid (three words), the block, the byte count of the arguments,
 * and the packed arguments, padded to a multiple of 8 bytes.
 */
export class Commands {
  readonly #session: Session;
  readonly #maxRecords: number;
  readonly #afterSubmit: () => void;
  readonly #words = new Uint32Array(maxWords);
  readonly #floats = new Float32Array(this.#words.buffer);
  #used = 0;
  #records = 0;
  #submissions = 0;
  #launches = 0;
  #ops = new Set<string>();

  constructor(session: Session, records: number | undefined, afterSubmit: () => void) {
    this.#session = session;
    this.#maxRecords = records ?? maxRecords;
    this.#afterSubmit = afterSubmit;
  }

  /** Batches submitted so far. */
  get submissions(): number {
    return this.#submissions;
  }

  /** Launches recorded so far, including cuBLAS products. */
  get launches(): number {
    return this.#launches;
  }

  /** Returns the ops recorded since the last call, and clears them. */
  takeOps(): ReadonlySet<string> {
    const ops = this.#ops;
    this.#ops = new Set();
    return ops;
  }

  /** Records one launch. A full batch is submitted first, which throws the session's errors. */
  launch(op: string, kernel: KernelName, grid: Grid, block: number, args: readonly Arg[]): void {
    const { index, kinds, at, sizes, bytes } = signatures[kernel];
    if (args.length !== kinds.length) {
      throw new TypeError(`${op}: GPU kernel ${kernel} takes ${kinds.length} arguments, got ${args.length}`);
    }
    const start = this.#begin(op, index, bytes);
    const words = this.#words;
    words[start + 1] = typeof grid === "number" ? grid : grid[0];
    words[start + 2] = typeof grid === "number" ? 1 : grid[1];
    words[start + 3] = typeof grid === "number" ? 1 : (grid[2] ?? 1);
    words[start + 4] = block;
    for (let i = 0; i < args.length; i++) {
      this.#encode(start + header + (at[i] as number), kinds[i] as string, sizes[i] as number, args[i]);
    }
  }

  /** Records a cuBLAS product. */
  sgemm(op: string, { transA, transB, m, n, k, a, lda, b, ldb, c, ldc }: Sgemm): void {
    const start = this.#begin(op, sgemmRecord, 36);
    const words = this.#words;
    words[start + 1] = m;
    words[start + 2] = n;
    words[start + 3] = k;
    words[start + 4] = (transA ? 1 : 0) | (transB ? 2 : 0);
    const at = start + header;
    this.#address(at, a);
    this.#address(at + 2, b);
    this.#address(at + 4, c);
    words[at + 6] = lda;
    words[at + 7] = ldb;
    words[at + 8] = ldc;
  }

  /** Submits all recorded launches. Throws the session's errors. */
  flush(): void {
    if (this.#records === 0) return;
    const count = this.#used;
    this.#used = this.#records = 0;
    this.#submissions++;
    this.#session.submit(this.#words, count);
    this.#afterSubmit();
  }

  /** Starts a record and returns its offset. */
  #begin(op: string, index: number, bytes: number): number {
    const size = header + Math.ceil(bytes / 8) * 2;
    if (this.#records === this.#maxRecords || this.#used + size > maxWords) this.flush();
    const start = this.#used;
    this.#used += size;
    this.#records++;
    this.#launches++;
    this.#ops.add(op);
    this.#words[start] = index;
    this.#words[start + 5] = bytes;
    return start;
  }

  #encode(at: number, kind: string, size: number, arg: Arg): void {
    if (kind === "p") this.#address(at, arg as CudaTensor | number | undefined);
    else if (kind === "u") this.#words[at] = Number(arg);
    else if (kind === "f") this.#floats[at] = Number(arg);
    else {
      const given = arg as Uint32Array;
      this.#words.set(given, at);
      this.#words.fill(0, at + given.length, at + size);
    }
  }

  #address(at: number, arg: CudaTensor | number | undefined): void {
    const address = typeof arg === "object" ? arg.address : (arg ?? 0);
    this.#words[at] = address;
    this.#words[at + 1] = address / 2 ** 32;
  }
}
