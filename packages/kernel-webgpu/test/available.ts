import { test } from "vitest";
import { findAdapter, findGpu, type Missing } from "../src/gpu.ts";

/** Why there is no adapter here, if there is none. */
async function findMissing(): Promise<Missing | undefined> {
  const gpu = await findGpu();
  if ("code" in gpu) return gpu;
  const adapter = await findAdapter(gpu);
  return "code" in adapter ? adapter : undefined;
}

const missing = await findMissing();
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("webgpu");

/** Whether the tests on a device can run. Where it is required (`MAMBA_REQUIRE_BACKENDS`) they do, and fail. */
export const available = missing === undefined || required;

/** Stands in the report for the tests of a file that cannot run. */
export function skipAll(what: string): void {
  test.skip(`${what} (no WebGPU: ${missing?.reason})`, () => undefined);
}

/** A device with nothing but what every WebGPU has. */
export async function smallestDevice(): Promise<GPUDevice> {
  const gpu = await findGpu();
  if ("code" in gpu) throw new Error(gpu.reason);
  const adapter = await findAdapter(gpu);
  if ("code" in adapter) throw new Error(adapter.reason);
  return adapter.requestDevice();
}
