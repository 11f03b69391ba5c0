import {
  fromFloat32,
  isQuantized,
  lastExtent,
  type Kernel,
  type Scope,
  type Shape,
  type Tensor,
  type WeightDType,
} from "@mamba/kernel";
import { quantize } from "@mamba/kernel/quantize";

const random = randomNumbers(2 ** 20);

/**
 * A tensor of numbers uniform in [-scale, scale], owned by `scope`. It repeats the same 2^20 numbers: the kernel takes as
 * long for them as for fresh ones, and they are made at once.
 */
export function randomTensor(
  kernel: Kernel,
  scope: Scope,
  shape: Shape,
  dtype: WeightDType,
  scale = 1,
): Tensor {
  const tensor = scope.use(kernel.zeros(shape, dtype));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const scaled = random.map((value) => value * scale);
  const columns = lastExtent(shape);
  // A chunk of a quantised tensor is whole rows.
  const chunk = isQuantized(dtype) ? scaled.length - (scaled.length % columns) : scaled.length;
  const values = isQuantized(dtype)
    ? quantize(scaled.subarray(0, chunk), dtype, columns)
    : fromFloat32(scaled, dtype);
  for (let start = 0; start < count; start += chunk) {
    const length = (values.length / chunk) * Math.min(chunk, count - start);
    kernel.write(tensor, start, values.subarray(0, length));
  }
  return tensor;
}

/** Token ids from all over a vocabulary of 50277. */
export function randomIds(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => (i * 7919 + 17) % 50277);
}

function randomNumbers(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes, section 7.1
    return state / 2 ** 31 - 1;
  });
}
