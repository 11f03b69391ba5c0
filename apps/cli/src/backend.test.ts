import { interfaceVersion, type Availability, type Kernel, type KernelProvider } from "@mamba/kernel";
import { beforeEach, expect, test, vi } from "vitest";
import { openBackend } from "./backend.ts";
import type { Host } from "./host.ts";

// Which backend is opened, for machines that are made up: what each one has is `machine`.

const machine = vi.hoisted<{ found: Record<string, Availability>; shows: boolean }>(() => ({
  found: {},
  shows: true,
}));

vi.mock("./gpu.ts", () => ({
  showsGpu: () => machine.shows,
  probeApart: (name: string) => Promise.resolve(machine.found[name] ?? missing),
}));
vi.mock("@mamba/kernel-cuda", () => ({ provider: fake("cuda") }));
vi.mock("@mamba/kernel-webgpu", () => ({ provider: fake("webgpu") }));
vi.mock("@mamba/kernel-cpu", () => ({
  provider: fake("cpu"),
  createCpuKernel: () => Promise.resolve({ name: "cpu" }),
}));

function fake(name: string): KernelProvider {
  return {
    ...{ name, interfaceVersion },
    probe: () => Promise.resolve(machine.found[name] ?? missing),
    create: () => Promise.resolve({ name } as Kernel),
  };
}

const there: Availability = { ok: true, device: "a GPU", software: false };
const software: Availability = { ok: true, device: "SwiftShader", software: true };
const missing: Availability = {
  ok: false,
  code: "DRIVER",
  reason: "there is no driver",
  remedy: "install one",
};

beforeEach(() => {
  machine.found = { cuda: missing, webgpu: missing, cpu: there };
  machine.shows = true;
});

const open = async (name: "auto" | "cuda" | "webgpu", threads?: number) =>
  (await openBackend(name, threads, {} as Host)).name;

test.each([
  ["CUDA before WebGPU", { cuda: there, webgpu: there }, "cuda"],
  ["WebGPU where there is no CUDA", { webgpu: there }, "webgpu"],
  ["the cpu where there is neither", {}, "cpu"],
  ["the cpu, not what computes there in a GPU's stead", { cuda: software, webgpu: software }, "cpu"],
])("auto takes %s", async (_, found, expected) => {
  Object.assign(machine.found, found);
  expect(await open("auto")).toBe(expected);
});

test("auto takes the cpu when it is told its threads, and where no GPU shows", async () => {
  Object.assign(machine.found, { cuda: there });
  expect(await open("auto", 2)).toBe("cpu");
  machine.shows = false;
  expect(await open("auto")).toBe("cpu");
});

test("auto fails rather than take a stand-in when nothing else is there", async () => {
  machine.found = { cuda: software, webgpu: missing, cpu: missing };
  await expect(open("auto")).rejects.toMatchObject({
    code: "NO_BACKEND",
    message: expect.stringContaining(
      "cuda (NO_DEVICE): SwiftShader computes on the CPU. Remedy: --backend cuda takes it all the same.",
    ) as string,
  });
  expect(await open("cuda")).toBe("cuda");
});

test("a backend that was asked for is never replaced", async () => {
  Object.assign(machine.found, { webgpu: there });
  await expect(open("cuda")).rejects.toMatchObject({
    code: "DRIVER",
    message: "backend cuda: there is no driver; install one",
  });
  await expect(open("webgpu", 2)).rejects.toMatchObject({ code: "USAGE" });
});
