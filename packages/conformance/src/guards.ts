import {
  type DType,
  elementCount,
  hostArray,
  type Kernel,
  type Scope,
  type Shape,
  type Tensor,
} from "@mamba/kernel";
import { check } from "./assert.ts";
import { firstDifference } from "./bits.ts";

// An op must write its outputs and nothing else. Tensors with known content are allocated next to the free memory that the
// output of the op will probably get: in a backend that allocates from one memory they detect a write outside.

const largestGuard = 4096;

/** A tensor that no op writes. */
interface Guard {
  tensor: Tensor;
  content: Float32Array;
}

export class Guards {
  readonly #kernel: Kernel;
  readonly #scope: Scope;
  readonly #guards: Guard[] = [];

  constructor(kernel: Kernel, scope: Scope) {
    this.#kernel = kernel;
    this.#scope = scope;
  }

  /** Allocates a guard of the size of a neighbour with `count` elements, up to a limit. */
  place(count: number): void {
    const size = Math.min(count, largestGuard);
    const content = Float32Array.from({ length: size }, (_, i) => -54321.125 - i);
    this.#guards.push({ tensor: this.#scope.use(this.#kernel.upload(content, [size], "f32")), content });
  }

  /**
   * Leaves free memory between guards that fits an output of each shape and is full of NaN, which shows when an op does not
   * write an element or expects new memory to be zero.
   */
  holes(outputs: readonly { shape: Shape; dtype: DType }[]): void {
    const holes = outputs.map(({ shape, dtype }) => {
      const count = elementCount(shape);
      this.place(count);
      const poison = hostArray(dtype, count).fill(dtype === "i32" ? -0x7f7f7f7f : NaN);
      return this.#kernel.upload(poison, shape, dtype);
    });
    this.place(64);
    for (const hole of holes) hole.dispose();
  }

  /** Checks that every guard has its content. */
  async verify(what: string): Promise<void> {
    const contents = await this.#kernel.read(...this.#guards.map((guard) => guard.tensor));
    this.#guards.forEach(({ content }, i) => {
      const at = firstDifference(contents[i], content);
      check(
        at === undefined,
        `${what}: wrote outside its outputs: element ${at} of the tensor allocated beside them changed from ` +
          `${content[at ?? 0]} to ${contents[i]?.[at ?? 0]}`,
      );
    });
  }
}
