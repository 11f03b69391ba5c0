import { test } from "vitest";
import { findAdapter, findGpu, type Missing } from "../src/device/gpu.ts";

/** Returns the reason why there is no adapter, if there is none. */
async function findMissing(): Promise<Missing | undefined> {
  const gpu = await findGpu();
  if ("code" in gpu) return gpu;
  const adapter = await findAdapter(gpu);
  return "code" in adapter ? adapter : undefined;
}

const missing = await findMissing();
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("webgpu");

/** True when the tests on a device run: there is an adapter, or `MAMBA_REQUIRE_BACKENDS` requires one and the tests fail. */
export const available = missing === undefined || required;

/** Reports the tests of a file as one skipped test with the reason. */
export function skipAll(what: string): void {
  test.skip(`${what} (no WebGPU: ${missing?.reason})`, () => undefined);
}

/** A device with the default limits and no features, as every adapter has. */
export async function smallestDevice(): Promise<GPUDevice> {
  const gpu = await findGpu();
  if ("code" in gpu) throw new Error(gpu.reason);
  const adapter = await findAdapter(gpu);
  if ("code" in adapter) throw new Error(adapter.reason);
  return adapter.requestDevice();
}
