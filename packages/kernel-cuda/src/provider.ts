import { interfaceVersion, type KernelProvider } from "@mamba/kernel";
import { createCudaKernel } from "./create.ts";
import { describeDevice, isStandIn, probeMachine } from "./probe.ts";

/** The CUDA backend as `openKernel` expects it. */
export const provider: KernelProvider = {
  name: "cuda",
  interfaceVersion,
  probe: async () => {
    const machine = await probeMachine();
    if ("code" in machine) return { ok: false, ...machine };
    const { device, found } = machine;
    return { ok: true, device: describeDevice(device, found), software: isStandIn(device) };
  },
  create: () => createCudaKernel(),
};
