import type { TestProject } from "vitest/node";
import { buildAddon } from "../scripts/buildAddon.mjs";
import { buildKernels } from "../scripts/buildKernels.mjs";
import { buildControl, buildSource, missingCompiler } from "../../../tooling/cuda-host/build.mjs";

declare module "vitest" {
  interface ProvidedContext {
    /** The stand-in for the driver library that was built for the tests, or the reason that there is none. */
    cudaStandIn: { readonly driver: string; readonly control: string } | { readonly missing: string };
  }
}

/** Builds the addon and the stand-in that executes the CUDA sources. Unchanged outputs are kept. */
export async function setup(project: TestProject): Promise<void> {
  const missing = missingCompiler();
  if (missing === undefined) {
    buildKernels({ ptxOnly: true });
    buildAddon();
    // tooling/cuda-host/sanitize.mjs sets the variable and has built this stand-in.
    const sanitize = process.env["MAMBA_CUDA_HOST_SANITIZE"] === "1";
    const driver = await buildSource(sanitize ? { name: "source-sanitized", sanitize } : {});
    project.provide("cudaStandIn", { driver, control: await buildControl() });
    return;
  }
  if ((process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("cuda-host"))
    throw new Error(missing);
  project.provide("cudaStandIn", { missing });
}
