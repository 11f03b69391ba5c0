import { canTrain, type Kernel, KernelError, type TrainingKernel } from "@mamba/kernel";

/** @throws KernelError `UNSUPPORTED` when the kernel has no training ops */
export function trainingKernel(op: string, kernel: Kernel): TrainingKernel {
  if (canTrain(kernel)) return kernel;
  throw new KernelError("UNSUPPORTED", `${op}: the ${kernel.name} backend has no training ops`);
}
