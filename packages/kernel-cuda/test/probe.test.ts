import { openKernel } from "@mamba/kernel";
import { afterEach, expect, test } from "vitest";
import { noAddon } from "../src/addon.ts";
import { createCudaKernel, provider } from "../src/index.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

test("a platform without a binary is told what there is", () => {
  expect(noAddon("linux-x64-gnu")).toMatchObject({
    code: "NOT_INSTALLED",
    reason: "the package @mamba/kernel-cuda-linux-x64-gnu is not installed",
  });
  expect(noAddon("linux-x64-musl").remedy).toMatch(/build it from source/);
  expect(noAddon("win32-x64").reason).toMatch(/no binary for win32-x64/);
  expect(noAddon("darwin-arm64").remedy).toMatch(/another backend/);
});

if (available) {
  useStandIn("");
  const driver = process.env["MAMBA_CUDA_DRIVER"] as string;
  afterEach(() => {
    process.env["MAMBA_CUDA_DRIVER"] = driver;
    process.env["MAMBA_CUDA_HOST"] = "";
  });

  // Before any device was found: what was found is remembered.
  const missing: readonly [
    what: string,
    env: Record<string, string>,
    code: string,
    reason: RegExp,
    remedy: RegExp,
  ][] = [
    [
      "no driver",
      { MAMBA_CUDA_DRIVER: "/nonexistent.so" },
      "DRIVER",
      /no NVIDIA driver: .*nonexistent/,
      /580 or newer/,
    ],
    [
      "another library",
      { MAMBA_CUDA_DRIVER: "libm.so.6" },
      "DRIVER",
      /too old: libm.so.6 has no cuInit/,
      /580 or newer/,
    ],
    [
      "an old driver",
      { MAMBA_CUDA_HOST: "driver=12040" },
      "DRIVER",
      /knows CUDA 12\.4, .* 13\.0/,
      /580 or newer/,
    ],
    ["no device", { MAMBA_CUDA_HOST: "devices=0" }, "NO_DEVICE", /no GPU/, /nvidia-smi/],
    [
      "an old device",
      { MAMBA_CUDA_HOST: "capability=70" },
      "LIMITS",
      /capability 7\.0, .* 7\.5/,
      /newer GPU/,
    ],
    [
      "a driver that crashes",
      { MAMBA_CUDA_HOST: "nonsense=1" },
      "DRIVER",
      /ended with signal SIGABRT/,
      /restart/,
    ],
  ];
  for (const [what, env, code, reason, remedy] of missing) {
    test(`${what} is named, with the remedy`, async () => {
      Object.assign(process.env, env);
      const found = await provider.probe();
      expect(found).toMatchObject({ ok: false, code });
      if (found.ok) return;
      expect(found.reason).toMatch(reason);
      expect(found.remedy).toMatch(remedy);
      await expect(createCudaKernel()).rejects.toMatchObject({
        code,
        message: expect.stringMatching(reason) as string,
      });
      const opening = openKernel([{ name: "cuda", load: () => Promise.resolve({ provider }) }]);
      await expect(opening).rejects.toThrow(found.reason);
    });
  }

  test("a stand-in says that it is one, and a device that is not there is refused", async () => {
    const found = await provider.probe();
    expect(found).toMatchObject({ ok: true });
    expect(found.ok && found.device).toMatch(
      /^stand-in .no GPU.: .*compute 8\.0, 8 GiB, CUDA 13\.0, own matrix products$/,
    );
    await expect(createCudaKernel({ device: 1 })).rejects.toMatchObject({
      code: "NO_DEVICE",
      message: expect.stringMatching(/device 1 was asked for, the driver has 1 device/) as string,
    });
    await using kernel = await provider.create();
    expect(kernel.capabilities.device).toBe(found.ok && found.device);
  });
} else skipAll("what the probe says");
