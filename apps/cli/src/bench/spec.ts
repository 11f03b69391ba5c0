import {
  fromFloat32,
  type FloatDType,
  type Kernel,
  type Scope,
  type Shape,
  type Tensor,
  type TrainingKernel,
} from "@mamba/kernel";

/** One thing to measure. Bytes and operations are those that one run cannot do without. */
export interface CaseSpec {
  readonly name: string;
  /** Storage of the weights. */
  readonly dtype: FloatDType;
  /** Bytes to and from memory, each tensor once. */
  readonly bytes: number;
  /** Floating-point operations: a multiply-add counts as two; exp, log, division and square root as one each. */
  readonly flops: number;
  /** Tokens that one run takes in or gives out. */
  readonly tokens?: number;
  /**
   * Makes the inputs and returns the run. A run disposes its results; whoever measures waits for the device after the
   * last run, within the time taken.
   */
  readonly prepare: (kernel: TrainingKernel, scope: Scope) => () => void | Promise<void>;
}

const block = randomBlock(2 ** 20);

/**
 * A tensor of numbers uniform in [-scale, scale], owned by `scope`: a block of 2^20 random numbers over and over, which
 * costs the kernel the same as fresh ones and takes no time to make.
 */
export function randomTensor(
  kernel: Kernel,
  scope: Scope,
  shape: Shape,
  dtype: FloatDType,
  scale = 1,
): Tensor {
  const tensor = scope.use(kernel.zeros(shape, dtype));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const values = narrow(scale, dtype);
  for (let start = 0; start < count; start += values.length) {
    kernel.write(tensor, start, values.subarray(0, Math.min(values.length, count - start)));
  }
  return tensor;
}

/** The block, scaled and in a storage type. */
function narrow(scale: number, dtype: FloatDType): Float32Array | Uint16Array {
  const scaled = block.map((value) => value * scale);
  return fromFloat32(scaled, dtype);
}

/** Token ids all over a vocabulary of 50277. */
export function randomIds(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => (i * 7919 + 17) % 50277);
}

function randomBlock(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes, section 7.1
    return state / 2 ** 31 - 1;
  });
}
