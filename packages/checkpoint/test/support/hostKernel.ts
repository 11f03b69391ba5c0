import {
  byteLength,
  type DType,
  elementCount,
  type HostArray,
  hostArray,
  hostLength,
  isHostArrayOf,
  type Kernel,
  type Shape,
  type Tensor,
} from "@mamba/kernel";

/**
 * The memory half of a kernel, in host memory: all that loading and saving touch. Any compute op throws, except
 * `negExp`, which a model calls when it is put together.
 */
export function hostKernel(storage: readonly DType[] = ["f32", "f16", "bf16", "i32"]): Kernel {
  const live = new Map<Tensor, HostArray>();
  const add = (data: HostArray, shape: Shape, dtype: DType): Tensor => {
    const tensor = {
      version: 0,
      dtype,
      shape,
      rowStride: shape.at(-1) ?? 1,
      get disposed(): boolean {
        return !live.has(tensor);
      },
      dispose: () => void live.delete(tensor),
      [Symbol.dispose]: () => void live.delete(tensor),
    };
    live.set(tensor, data);
    return tensor;
  };
  const dataOf = (tensor: Tensor): HostArray => {
    const data = live.get(tensor);
    if (!data) throw new Error("disposed");
    return data;
  };
  const kernel: Partial<Kernel> = {
    name: "host",
    capabilities: {
      device: "host memory",
      storage: new Set(storage),
      activations: "f32",
      training: false,
      deterministic: true,
      batchInvariant: false,
      maxTensorBytes: 2 ** 31,
      maxBytes: 2 ** 32,
    },
    supports: (_op, dtype) => storage.includes(dtype),
    storedBytes: byteLength,
    zeros: (shape, dtype) => add(hostArray(dtype, elementCount(shape)), shape, dtype),
    upload(data, shape, dtype) {
      check(data, dtype, hostLength(dtype, elementCount(shape)));
      return add(data.slice(), shape, dtype);
    },
    write(target, start, data) {
      const at = hostLength(target.dtype, start);
      check(data, target.dtype, data.length, hostLength(target.dtype, elementCount(target.shape)) - at);
      dataOf(target).set(data, at);
      (target as { version: number }).version++;
    },
    read: (...tensors) => Promise.resolve(tensors.map((tensor) => dataOf(tensor).slice())),
    negExp: (x) =>
      add(
        (dataOf(x) as Float32Array).map((value) => -Math.exp(value)),
        x.shape,
        "f32",
      ),
    memory: () => ({
      tensors: live.size,
      bytes: [...live.keys()].reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), 0),
    }),
  };
  return kernel as Kernel;
}

function check(data: HostArray, dtype: DType, length: number, space = length): void {
  if (isHostArrayOf(data, dtype) && data.length === length && length <= space) return;
  throw new RangeError(`host kernel: ${data.length} values do not fit`);
}
