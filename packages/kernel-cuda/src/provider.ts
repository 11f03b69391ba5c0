import { interfaceVersion, type KernelProvider } from "@mamba/kernel";
import { createCudaKernel } from "./create.ts";
import { deviceLacking, describeDevice, probeMachine } from "./probe.ts";

/** What `openKernel` asks for. */
export const provider: KernelProvider = {
  name: "cuda",
  interfaceVersion,
  probe: async () => {
    const machine = await probeMachine();
    if ("code" in machine) return { ok: false, ...machine };
    const { found } = machine;
    const device = found.devices.find((candidate) => !deviceLacking(candidate));
    return { ok: true, device: device ? describeDevice(device, found) : "" };
  },
  create: () => createCudaKernel(),
};
