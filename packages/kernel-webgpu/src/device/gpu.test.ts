import { expect, test } from "vitest";
import { isSoftware } from "./gpu.ts";

const info = (about: Partial<GPUAdapterInfo>): GPUAdapterInfo => about as GPUAdapterInfo;

test.each([
  [{ vendor: "google", architecture: "swiftshader" }, true],
  [{ description: "llvmpipe (LLVM 19.1.7, 256 bits)" }, true],
  [{ vendor: "microsoft", description: "Microsoft Basic Render Driver" }, true],
  [{ description: "some adapter", isFallbackAdapter: true }, true],
  [{ vendor: "nvidia", architecture: "hopper", description: "NVIDIA H200", isFallbackAdapter: false }, false],
  [{ vendor: "apple", architecture: "metal-3" }, false],
])("%o computes on the CPU: %s", (about, expected) => {
  expect(isSoftware(info(about))).toBe(expected);
});

test("an adapter without information counts as a GPU", () => {
  expect(isSoftware(undefined)).toBe(false);
});
