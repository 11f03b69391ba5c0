import { conformance } from "./conformance.ts";

// tooling/cuda-host/sanitize.mjs runs these tests on GPU kernels that are compiled with sanitizers.
await conformance("schedule=random-stalls", {
  every: process.env["MAMBA_CUDA_HOST_SANITIZE"] === "1" ? 4 : 3,
});
