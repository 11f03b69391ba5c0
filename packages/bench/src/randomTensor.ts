import {
  elementCount,
  fromFloat32,
  type HostArray,
  hostLength,
  isQuantized,
  type Kernel,
  lastExtent,
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
  const count = elementCount(shape);
  const values = storedRandom(dtype, scale);
  // Chunks of a quantised tensor are whole rows.
  const unit = isQuantized(dtype) ? lastExtent(shape) : 1;
  const chunk = Math.floor(random.length / unit) * unit;
  for (let start = 0; start < count; start += chunk) {
    kernel.write(tensor, start, values.subarray(0, hostLength(dtype, Math.min(chunk, count - start))));
  }
  return tensor;
}

/** Random blocks by type and scale: a model has many matrices of one scale. */
const randomBlocks = new Map<string, Uint8Array>();
/** Numbers that are quantised once and then repeated: the search for scales takes longer than all else here. */
const distinct = 2 ** 16;

/** The random numbers in a storage type. */
function storedRandom(dtype: WeightDType, scale: number): HostArray {
  if (!isQuantized(dtype)) {
    const values = random.map((value) => value * scale);
    return fromFloat32(values, dtype);
  }
  const key = `${dtype} ${scale}`;
  const known = randomBlocks.get(key);
  if (known) return known;
  const values = random.subarray(0, distinct).map((value) => value * scale);
  const some = quantize(values, dtype, distinct);
  const blocks = new Uint8Array(hostLength(dtype, random.length));
  for (let at = 0; at < blocks.length; at += some.length) blocks.set(some, at);
  randomBlocks.set(key, blocks);
  return blocks;
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
