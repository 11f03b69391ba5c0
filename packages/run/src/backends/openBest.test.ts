import { interfaceVersion, type Availability, type Kernel } from "@mamba/kernel";
import { beforeEach, expect, test } from "vitest";
import { openBest } from "./openBest.ts";
import type { BackendName, BackendOptions } from "./options.ts";
import type { BackendPlatform } from "./platform.ts";

// The choice of a backend on made-up machines; `machine` says what each one has.

const there: Availability = { ok: true, device: "a GPU", software: false };
const software: Availability = { ok: true, device: "SwiftShader", software: true };
const missing: Availability = {
  ok: false,
  code: "DRIVER",
  reason: "there is no driver",
  remedy: "install one",
};

let machine: { found: Record<BackendName, Availability>; shows: boolean };
let disposed: string[];
beforeEach(() => {
  machine = { found: { cuda: missing, webgpu: missing, cpu: there }, shows: true };
  disposed = [];
});

const platform: BackendPlatform = {
  names: ["cuda", "webgpu", "cpu"],
  load: async (name, { threads }) => ({
    provider: {
      ...{ name, interfaceVersion },
      probe: () => Promise.reject(new Error("the probe of this process")),
      create: async () =>
        ({
          name: `${name} ${threads ?? ""}`.trim(),
          dispose: async () => void disposed.push(name),
        }) as Kernel,
    },
  }),
  showsGpu: () => machine.shows,
  probe: async (name) => machine.found[name],
};

const open = async (options: BackendOptions = {}) => (await openBest(platform, options)).name;

test.each([
  ["CUDA before WebGPU", { cuda: there, webgpu: there }, "cuda"],
  ["WebGPU where there is no CUDA", { webgpu: there }, "webgpu"],
  ["the cpu where there is neither", {}, "cpu"],
  ["the cpu, not a software device", { cuda: software, webgpu: software }, "cpu"],
])("auto takes %s", async (_, found, expected) => {
  Object.assign(machine.found, found);
  expect(await open()).toBe(expected);
});

test("auto takes the cpu with an option of it, and where there is no sign of a GPU", async () => {
  machine.found.cuda = there;
  expect(await open({ cpu: { threads: 2 } })).toBe("cpu 2");
  expect(await open({ cpu: { threads: undefined } })).toBe("cuda");
  machine.shows = false;
  expect(await open()).toBe("cpu");
});

test("auto fails when there is a software device only", async () => {
  machine.found = { cuda: software, webgpu: missing, cpu: missing };
  await expect(open()).rejects.toMatchObject({
    code: "NO_BACKEND",
    message: expect.stringContaining(
      "cuda (NO_DEVICE): SwiftShader computes on the CPU. Remedy: select the backend cuda by its name.",
    ) as string,
  });
  expect(await open({ backend: "cuda" })).toBe("cuda");
});

test("a backend that is named is never replaced", async () => {
  machine.found.webgpu = there;
  await expect(open({ backend: "cuda" })).rejects.toMatchObject({
    code: "DRIVER",
    message: "backend cuda: there is no driver; install one",
  });
  await expect(open({ backend: "webgpu", cpu: { activations: "f32" } })).rejects.toMatchObject({
    code: "OPTIONS",
    message: "option cpu.activations is for the backend cpu, not for webgpu",
  });
  await expect(open({ backend: "metal" as "cpu" })).rejects.toMatchObject({
    message: 'there is no backend "metal" here; there are cuda, webgpu, cpu',
  });
});

test("a signal stops the search, and nothing stays open", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const opening = openBest(platform, { backend: "cpu", signal: controller.signal });
  controller.abort(reason);
  await expect(opening).rejects.toBe(reason);
  await expect(open({ signal: controller.signal })).rejects.toBe(reason);
  expect(disposed).toEqual([]);
});
