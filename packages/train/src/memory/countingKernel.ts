import { type HostArray, KernelError, type Kernel } from "@mamba/kernel";
import { type DeviceTensor, OpsKernel } from "@mamba/kernel/author";
import { backendScratch } from "./backendScratch.ts";
import { countingOps } from "./countingOps.ts";
import { CountingTensors } from "./countingTensors.ts";

/**
 * A kernel that computes no values: its ops check their arguments and make results of the right shapes, and the kernel counts
 * the bytes that are alive. It takes tensors of other kernels as arguments, for free. Residuals and the memory that an op frees
 * before it returns are those of the backend that it stands for.
 */
export class CountingKernel extends OpsKernel<DeviceTensor, CountingTensors> {
  readonly name = "counting";
  readonly lost = new Promise<KernelError>(() => undefined);

  /** @param backend the kernel whose memory is predicted */
  constructor({ name, capabilities }: Pick<Kernel, "name" | "capabilities">) {
    super(new CountingTensors(), countingOps(backendScratch(name)), {
      device: `memory of the ${name} backend, without values`,
      storage: capabilities.storage,
      activations: capabilities.activations,
      maxTensorBytes: Infinity,
      maxBytes: undefined,
      batchInvariant: capabilities.batchInvariant,
    });
  }

  /** @throws KernelError `UNSUPPORTED`: there are no values */
  protected override fetch(): Promise<HostArray[]> {
    return Promise.reject(
      new KernelError(
        "UNSUPPORTED",
        "read: a kernel that counts memory has no values; compute the loss without reading",
      ),
    );
  }

  override async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    return Promise.resolve();
  }

  override async dispose(): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    return Promise.resolve();
  }
}
