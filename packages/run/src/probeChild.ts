import { probeKernel } from "@mamba/kernel";

// The process in which `probeApart` probes the WebGPU backend. It prints the availability as JSON.

const { availability } = await probeKernel({ name: "webgpu", load: () => import("@mamba/kernel-webgpu") });
process.stdout.write(JSON.stringify(availability));
