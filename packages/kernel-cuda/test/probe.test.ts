import { openKernel } from "@mamba/kernel";
import { afterEach, expect, test } from "vitest";
import { noAddon } from "../src/addon.ts";
import { createCudaKernel, provider } from "../src/index.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

test("a platform without a binary gets the name of the missing package and the supported platform", () => {
  expect(noAddon("linux-x64-gnu")).toMatchObject({
    code: "NOT_INSTALLED",
    reason: "the package @mamba/kernel-cuda-linux-x64-gnu is not installed",
    remedy: "install again without --omit=optional, or add that package of the same release",
  });
  expect(noAddon("linux-x64-gnu", true)).toMatchObject({
    reason: "the addon was not built here, and the package @mamba/kernel-cuda-linux-x64-gnu contains none",
    remedy: expect.stringMatching(/build it from source/) as string,
  });
  const elsewhere: readonly [platform: string, remedy: RegExp][] = [
    ["linux-arm64-gnu", /build it from source/],
    ["linux-x64-musl", /glibc/],
    ["win32-x64", /WSL 2/],
    ["darwin-arm64", /another backend/],
  ];
  for (const [platform, remedy] of elsewhere) {
    const { code, reason, remedy: given } = noAddon(platform);
    expect([code, reason]).toEqual([
      "NOT_INSTALLED",
      `there is no package @mamba/kernel-cuda-${platform}: @mamba/kernel-cuda has a binary for linux-x64-gnu only`,
    ]);
    expect(given).toMatch(remedy);
  }
});

if (available) {
  useStandIn("");
  const driver = process.env["MAMBA_CUDA_DRIVER"] as string;
  afterEach(() => {
    process.env["MAMBA_CUDA_DRIVER"] = driver;
    process.env["MAMBA_CUDA_HOST"] = "";
  });

  // These run before a device is found, because a successful probe is cached.
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
      /supports CUDA 12\.4, .* 13\.0/,
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
    test(`the probe reports ${what}, with a remedy`, async () => {
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

  test("a stand-in reports itself as one, and a missing device is refused", async () => {
    const found = await provider.probe();
    expect(found).toMatchObject({ ok: true, software: true });
    expect(found.ok && found.device).toMatch(
      /^stand-in .no GPU.: .*compute 8\.0, 8 GiB, CUDA 13\.0, own matrix products$/,
    );
    await expect(createCudaKernel({ device: 1 })).rejects.toMatchObject({
      code: "NO_DEVICE",
      message: expect.stringMatching(/device 1 was requested, the driver has 1 device/) as string,
    });
    await using kernel = await provider.create();
    expect(kernel.capabilities.device).toBe(found.ok && found.device);
  });

  test("a stand-in is never preferred to another backend, and opens when it is the only candidate", async () => {
    const cuda = { name: "cuda", load: () => Promise.resolve({ provider }) };
    const cpu = { name: "cpu", load: () => import("@mamba/kernel-cpu") };
    await using preferred = await openKernel([cuda, cpu]);
    expect(preferred.name).toBe("cpu");
    await using only = await openKernel([cuda]);
    expect(only.name).toBe("cuda");
  });
} else skipAll("the probe");
