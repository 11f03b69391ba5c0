import { openKernel } from "@mamba/kernel";
import { afterEach, expect, test, vi } from "vitest";
import { provider, providerWith } from "./provider.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("the provider opens the device that its probe reports", async () => {
  const found = await provider.probe();
  await using kernel = await openKernel([{ name: "cpu", load: () => Promise.resolve({ provider }) }]);
  expect(found).toEqual({ ok: true, device: kernel.capabilities.device });
  expect(kernel.name).toBe("cpu");
});

test("a provider with options opens the kernel with them, and refuses wrong ones", async () => {
  const activations = async (options: object) => {
    await using kernel = await providerWith(options).create();
    return kernel.capabilities.activations;
  };
  expect(await activations({ threads: 1 })).toBe("int8");
  expect(await activations({ threads: 1, activations: "f32" })).toBe("f32");
  await expect(activations({ activations: "f16" })).rejects.toMatchObject({ code: "ARGUMENT" });
});

const no = (): boolean => false;
const yes = (): boolean => true;
function Memory(): never {
  throw new TypeError("Shared memory is not enabled");
}

test.each([
  ["without WebAssembly", undefined, /lacks WebAssembly SIMD or threads/],
  ["without SIMD", { validate: no }, /lacks WebAssembly SIMD or threads/],
  ["where memory cannot be shared", { validate: yes, Memory }, /refuses shared memory .*not enabled/],
])("%s it is unavailable, with a reason", async (_, WebAssembly, reason) => {
  vi.stubGlobal("WebAssembly", WebAssembly);
  const found = await provider.probe();
  if (found.ok) throw new Error("the probe must say no");
  expect(found.code).toBe("LIMITS");
  expect(found.reason).toMatch(reason);
  await expect(provider.create()).rejects.toMatchObject({ code: "LIMITS" });
});

test("without DecompressionStream it is unavailable, with a reason", async () => {
  const scope: Partial<typeof globalThis> = globalThis;
  const { DecompressionStream: original } = globalThis;
  delete scope.DecompressionStream;
  try {
    const found = await provider.probe();
    expect(found).toMatchObject({
      ok: false,
      code: "LIMITS",
      reason: expect.stringContaining("lacks Decom") as string,
    });
  } finally {
    scope.DecompressionStream = original;
  }
});
