import { interfaceVersion, type KernelProvider } from "@mamba/kernel";
import { createCudaKernel } from "./create.ts";
import { deviceLacking, describeDevice, isStandIn, probeMachine } from "./probe.ts";

/** What `openKernel` asks for. */
export const provider: KernelProvider = {
  name: "cuda",
  interfaceVersion,
  probe: async () => {
    const machine = await probeMachine();
    if ("code" in machine) return { ok: false, ...machine };
    const { found } = machine;
    const device = found.devices.find((candidate) => !deviceLacking(candidate));
    // There is one: probeMachine refuses a machine without.
    const described = device ? describeDevice(device, found) : "";
    return { ok: true, device: described, software: device !== undefined && isStandIn(device) };
  },
  create: () => createCudaKernel(),
};
