import { type Kernel, KernelError, lastExtent, type Shape, type WeightDType } from "@mamba/kernel";

/** A tensor that a model needs on the kernel. */
export interface NeededTensor {
  readonly name: string;
  readonly shape: Shape;
  /** Storage type on the kernel. */
  readonly dtype: WeightDType;
  /** True for a matrix, which the load option `dtype` stores as another type. */
  readonly isMatrix: boolean;
  /** True for the matrix that gives the logits, which a quantised `dtype` may store more exactly. */
  readonly isOutput: boolean;
}

/** The memory that the weights of a model take on a kernel. */
export interface StoredSizes {
  readonly bytes: number;
  /** The largest tensor; undefined for a model without one. */
  readonly largest: { readonly name: string; readonly bytes: number } | undefined;
}

/** Predicts the memory that tensors take on a kernel. */
export function storedSizes(kernel: Kernel, tensors: readonly NeededTensor[]): StoredSizes {
  const largest = largestTensor(kernel, tensors);
  return {
    bytes: totalBytes(kernel, tensors),
    largest: largest && { name: largest.name, bytes: largest.bytes },
  };
}

/** The storage types that a message proposes, from the most exact to the smallest. */
const proposals: readonly WeightDType[] = ["bf16", "f16", "q8_0", "q6_k", "q5_k", "q4_k", "q4_0"];

/**
 * Checks, before a weight is read, that the tensors of a model fit into the memory of the kernel. The message has the bytes that
 * the model needs, those that there are, and the storage types with which it would fit.
 *
 * @throws KernelError `OUT_OF_MEMORY`
 */
export async function checkSpace(
  kernel: Kernel,
  tensors: readonly NeededTensor[],
  label: string,
): Promise<void> {
  const { maxBytes, maxTensorBytes } = kernel.capabilities;
  const used = kernel.memory().bytes;
  const room = maxBytes === undefined ? Infinity : maxBytes - used;
  const needed = totalBytes(kernel, tensors);
  const largest = largestTensor(kernel, tensors);
  let problem: string;
  if (largest && largest.bytes > maxTensorBytes) {
    const limit = `the largest tensor of the ${kernel.name} backend has ${maxTensorBytes}`;
    problem = `${largest.name} takes ${largest.bytes} bytes as ${largest.dtype}, ${limit}`;
  } else if (needed > room) {
    const limit = `the ${kernel.name} backend has ${maxBytes}, of which ${used} are in use`;
    problem = `the weights take ${needed} bytes, ${limit}`;
  } else return;
  const { matrixTypeFor } = await import("./quantized.ts");
  /** The tensor as the load option `dtype` stores it. */
  const storedAs = (tensor: NeededTensor, dtype: WeightDType): NeededTensor => {
    if (!tensor.isMatrix) return tensor;
    return { ...tensor, dtype: matrixTypeFor(dtype, lastExtent(tensor.shape), tensor.isOutput) };
  };
  const fitting = proposals.flatMap((dtype) => {
    if (!canStore(kernel, dtype)) return [];
    const stored = tensors.map((tensor) => storedAs(tensor, dtype));
    if (!stored.every((tensor) => kernel.capabilities.storage.has(tensor.dtype))) return [];
    const bytes = totalBytes(kernel, stored);
    const one = largestTensor(kernel, stored)?.bytes ?? 0;
    return bytes < needed && bytes <= room && one <= maxTensorBytes ? [{ dtype, bytes }] : [];
  });
  throw new KernelError("OUT_OF_MEMORY", `${label}: ${problem}; ${remedy(fitting)}`);
}

function remedy(fitting: readonly { readonly dtype: WeightDType; readonly bytes: number }[]): string {
  const [best, ...others] = fitting;
  if (!best) return "no storage type makes it fit: use a smaller model or a machine with more memory";
  const more = others.map(({ dtype, bytes }) => `"${dtype}" ${bytes}`).join(", ");
  return `load it with dtype "${best.dtype}", which takes ${best.bytes} bytes${more && ` (${more})`}`;
}

/** True when the backend stores embeddings and the weights of linear layers as this type. */
function canStore(kernel: Kernel, dtype: WeightDType): boolean {
  return (
    kernel.capabilities.storage.has(dtype) &&
    kernel.supports("embedding", dtype) &&
    kernel.supports("linear", dtype)
  );
}

function totalBytes(kernel: Kernel, tensors: readonly NeededTensor[]): number {
  return tensors.reduce((sum, { dtype, shape }) => sum + kernel.storedBytes(dtype, shape), 0);
}

function largestTensor(
  kernel: Kernel,
  tensors: readonly NeededTensor[],
): (NeededTensor & { readonly bytes: number }) | undefined {
  let largest: (NeededTensor & { readonly bytes: number }) | undefined;
  for (const tensor of tensors) {
    const bytes = kernel.storedBytes(tensor.dtype, tensor.shape);
    if (bytes > (largest?.bytes ?? 0)) largest = { ...tensor, bytes };
  }
  return largest;
}
