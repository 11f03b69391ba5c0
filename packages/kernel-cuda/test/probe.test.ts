import { openKernel } from "@mamba/kernel";
import { afterEach, expect, test } from "vitest";
import { noAddon } from "../src/addon.ts";
import { createCudaKernel, provider } from "../src/index.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

test("a platform without a binary is told which package it lacks, and what there is", () => {
  expect(noAddon("linux-x64-gnu")).toMatchObject({
    code: "NOT_INSTALLED",
    reason: "the package @mamba/kernel-cuda-linux-x64-gnu is not installed",
    remedy: expect.stringMatching(/^npm install @mamba\/kernel-cuda-linux-x64-gnu/) as string,
  });
  expect(noAddon("linux-x64-gnu", true)).toMatchObject({
    reason: "no addon was built here, and the package @mamba/kernel-cuda-linux-x64-gnu holds none",
    remedy: expect.stringMatching(/build it from source/) as string,
  });
  const elsewhere: readonly [platform: string, remedy: RegExp][] = [
    ["linux-arm64-gnu", /build it from source/],
    ["linux-x64-musl", /glibc/],
    ["win32-x64", /WSL 2/],
    ["darwin-arm64", /another backend/],
  ];
  for (const [platform, remedy] of elsewhere) {
    const { code, reason, remedy: told } = noAddon(platform);
    expect([code, reason]).toEqual([
      "NOT_INSTALLED",
      `there is no package @mamba/kernel-cuda-${platform}: @mamba/kernel-cuda has a binary for linux-x64-gnu only`,
    ]);
    expect(told).toMatch(remedy);
  }
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
    expect(found).toMatchObject({ ok: true, software: true });
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

  test("a stand-in is never preferred to another backend, and opens where it is the only one asked for", async () => {
    const cuda = { name: "cuda", load: () => Promise.resolve({ provider }) };
    const cpu = { name: "cpu", load: () => import("@mamba/kernel-cpu") };
    await using preferred = await openKernel([cuda, cpu]);
    expect(preferred.name).toBe("cpu");
    await using only = await openKernel([cuda]);
    expect(only.name).toBe("cuda");
  });
} else skipAll("what the probe says");
