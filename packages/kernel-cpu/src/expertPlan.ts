import type { Chunk } from "./allocator.ts";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

/** Choices of one expert that are multiplied together. */
interface Tile {
  readonly expert: number;
  /** The place of the first choice in `order`. */
  readonly first: number;
  readonly count: number;
}

/** Bytes of the rows of x of a tile. */
const tileBytes = 2 ** 19;
/** Largest number of choices in a tile. */
const mostRows = 64;
/** Words of a quad: the offset, the number of lanes, and the rows of four lanes. */
const quadWords = 6;

/** Returns the most choices of a tile, for rows of `width` numbers. */
export function tileRows(width: number): number {
  return Math.max(Math.min(Math.floor(tileBytes / (4 * width)) & ~3, mostRows), 4);
}

/** Returns the ids of experts, clamped to [0, expertCount). An op is done when its call returns, so the memory holds them. */
export function readExperts(runtime: Runtime, experts: CpuTensor, expertCount: number): Int32Array {
  const [rows = 1, perToken = 1] = experts.shape;
  const ids = runtime.heap.copy("i32", experts.address, rows * perToken) as Int32Array;
  return ids.map((id) => Math.min(Math.max(id, 0), expertCount - 1));
}

/** The choices of a call, sorted by expert: see assembly/expertPlan.ts for the form in memory. */
export class ExpertPlan {
  /** The choices in ascending order of their experts, then of their own. */
  readonly #order: Int32Array;
  readonly #tiles: readonly Tile[];
  readonly #quads: number[] = [];
  readonly #offsets: number[] = [];
  #roundedBytes = 0;
  #chunk: Chunk | undefined;
  readonly #runtime: Runtime;

  /**
   * @param ids the expert of each choice
   * @param most the most choices of a tile; Infinity for one tile of each expert, also of those without choices
   */
  constructor(runtime: Runtime, ids: Int32Array, expertCount: number, most: number) {
    this.#runtime = runtime;
    const starts = new Int32Array(expertCount + 1);
    for (const id of ids) starts[id + 1] = (starts[id + 1] ?? 0) + 1;
    for (let e = 0; e < expertCount; e++) starts[e + 1] = (starts[e + 1] ?? 0) + (starts[e] ?? 0);
    const next = starts.slice();
    this.#order = new Int32Array(ids.length);
    ids.forEach((id, choice) => {
      const place = next[id] ?? 0;
      this.#order[place] = choice;
      next[id] = place + 1;
    });
    const tiles: Tile[] = [];
    for (let expert = 0; expert < expertCount; expert++) {
      const [begin, end] = [starts[expert] ?? 0, starts[expert + 1] ?? 0];
      if (most === Infinity) tiles.push({ expert, first: begin, count: end - begin });
      else {
        for (let first = begin; first < end; first += most) {
          tiles.push({ expert, first, count: Math.min(end - first, most) });
        }
      }
    }
    this.#tiles = tiles;
  }

  get tiles(): number {
    return this.#tiles.length;
  }

  /** The place of the choices in the plan, in words. */
  get order(): number {
    return 4 * this.#tiles.length;
  }

  get quads(): number {
    return this.#quads.length / quadWords;
  }

  get quadsAt(): number {
    return this.order + this.#order.length;
  }

  /** Bytes of the rows of x that the quads round to int8. */
  get roundedBytes(): number {
    return this.#roundedBytes;
  }

  /**
   * Adds the quads that round the rows of x to int8: a row alone for a tile of one choice, groups of four rows for others.
   *
   * @param perRow choices that share a row of x
   * @param bytesOf bytes of a quad of one lane or of four
   */
  addQuads(perRow: number, bytesOf: (lanes: 1 | 4) => number): void {
    const alone = new Map<number, number>();
    const add = (rows: readonly number[]): number => {
      const lanes = rows.length === 1 ? 1 : 4;
      const offset = this.#roundedBytes;
      this.#quads.push(offset, lanes, ...Array.from({ length: 4 }, (_, lane) => rows[lane] ?? -1));
      this.#roundedBytes += Math.ceil(bytesOf(lanes) / 16) * 16;
      return offset;
    };
    for (const { first, count } of this.#tiles) {
      const rows = Array.from(this.#order.subarray(first, first + count), (choice) =>
        Math.floor(choice / perRow),
      );
      const [row = 0] = rows;
      if (count === 1) {
        const offset = alone.get(row) ?? add([row]);
        alone.set(row, offset);
        this.#offsets.push(offset);
        continue;
      }
      this.#offsets.push(this.#roundedBytes);
      // The last group may have one row: it has four lanes like the others.
      for (let i = 0; i < count; i += 4) add([...rows.slice(i, i + 4), -1].slice(0, 4));
    }
  }

  /** Writes the plan to memory, which `free` frees. @throws KernelError `OUT_OF_MEMORY` */
  write(op: string): Chunk {
    const words = this.quadsAt + this.#quads.length;
    const chunk = this.#runtime.temporary(op, 4 * Math.max(words, 1));
    this.#chunk = chunk;
    const memory = this.#runtime.heap.view("i32", chunk.address, words) as Int32Array;
    this.#tiles.forEach(({ expert, first, count }, i) => {
      memory.set([expert, first, count, this.#offsets[i] ?? 0], 4 * i);
    });
    memory.set(this.#order, this.order);
    memory.set(this.#quads, this.quadsAt);
    return chunk;
  }

  free(): void {
    if (this.#chunk) this.#runtime.heap.free(this.#chunk);
    this.#chunk = undefined;
  }
}
