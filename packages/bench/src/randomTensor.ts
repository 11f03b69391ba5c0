import {
  elementCount,
  fromFloat32,
  type HostArray,
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
/** Fewer for quantised types, whose search for scales is slow. */
const quantizedCount = 2 ** 18;

/**
 * A tensor of numbers uniform in [-scale, scale], owned by `scope`. It repeats the same 2^20 numbers, or 2^18 of a quantised type:
 * the kernel takes as long for them as for fresh ones, and they are made at once.
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
  const { data, elements } = randomRows(lastExtent(shape), dtype, scale);
  for (let start = 0; start < count; start += elements) {
    const written = Math.min(elements, count - start);
    kernel.write(tensor, start, data.subarray(0, (data.length / elements) * written));
  }
  return tensor;
}

/** Random numbers in a storage type, and how many: whole rows of a quantised type. */
interface RandomRows {
  readonly data: HostArray;
  readonly elements: number;
}

const quantizedRows = new Map<string, RandomRows>();

function randomRows(columns: number, dtype: WeightDType, scale: number): RandomRows {
  if (!isQuantized(dtype)) {
    const data = fromFloat32(
      random.map((value) => value * scale),
      dtype,
    );
    return { data, elements: data.length };
  }
  const key = `${dtype},${columns},${scale}`;
  let rows = quantizedRows.get(key);
  if (!rows) {
    const elements = Math.max(1, Math.floor(quantizedCount / columns)) * columns;
    const values = random.subarray(0, elements).map((value) => value * scale);
    quantizedRows.set(key, (rows = { data: quantize(values, dtype, columns), elements }));
  }
  return rows;
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
