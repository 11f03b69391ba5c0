import type { TestFunction } from "@mamba/conformance";
import { type QuantizedDType, quantizedTypes } from "@mamba/kernel";
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

/** Registers the tests whose name passes, those that `runConformance` skips included. */
export function only(passes: (name: string) => boolean): TestFunction {
  const some =
    (register: TestFunction): TestFunction =>
    (name, body) => {
      if (passes(name)) register(name, body);
    };
  return Object.assign(some(test), { skip: some(test.skip) });
}

const quantizedType = new RegExp(`\\b(${quantizedTypes.join("|")})\\b`);

/**
 * The quantised type that a test is about, if any. The shaders of all quantised types differ only in the function that reads a
 * weight, and take long to compile: most tests of products run with a few of the types.
 */
export function quantizedTypeOf(name: string): QuantizedDType | undefined {
  return quantizedType.exec(name)?.[1] as QuantizedDType | undefined;
}

/** A device with the default limits and no features, as every adapter has. */
export async function smallestDevice(): Promise<GPUDevice> {
  const gpu = await findGpu();
  if ("code" in gpu) throw new Error(gpu.reason);
  const adapter = await findAdapter(gpu);
  if ("code" in adapter) throw new Error(adapter.reason);
  return adapter.requestDevice();
}
