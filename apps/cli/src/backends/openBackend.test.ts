import { interfaceVersion, type Availability, type Kernel, type KernelProvider } from "@mamba/kernel";
import { beforeEach, expect, test, vi } from "vitest";
import { openBackend } from "./openBackend.ts";
import type { Host } from "../program/host.ts";

// The choice of a backend on made-up machines; `machine` says what each one has.

const machine = vi.hoisted<{ found: Record<string, Availability>; shows: boolean }>(() => ({
  found: {},
  shows: true,
}));

vi.mock("./probeApart.ts", () => ({
  showsGpu: () => machine.shows,
  probeApart: (name: string) => Promise.resolve(machine.found[name] ?? missing),
}));
vi.mock("@mamba/kernel-cuda", () => ({ provider: fake("cuda") }));
vi.mock("@mamba/kernel-webgpu", () => ({ provider: fake("webgpu") }));
vi.mock("@mamba/kernel-cpu", () => ({
  providerWith: () => fake("cpu"),
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

const open = async (backend: "auto" | "cuda" | "webgpu", threads?: number) =>
  (await openBackend({ backend, threads }, {} as Host)).name;

test.each([
  ["CUDA before WebGPU", { cuda: there, webgpu: there }, "cuda"],
  ["WebGPU where there is no CUDA", { webgpu: there }, "webgpu"],
  ["the cpu where there is neither", {}, "cpu"],
  ["the cpu, not a software device", { cuda: software, webgpu: software }, "cpu"],
])("auto takes %s", async (_, found, expected) => {
  Object.assign(machine.found, found);
  expect(await open("auto")).toBe(expected);
});

test("auto takes the cpu with a number of threads, and where there is no sign of a GPU", async () => {
  Object.assign(machine.found, { cuda: there });
  expect(await open("auto", 2)).toBe("cpu");
  machine.shows = false;
  expect(await open("auto")).toBe("cpu");
});

test("auto fails when there is a software device only", async () => {
  machine.found = { cuda: software, webgpu: missing, cpu: missing };
  await expect(open("auto")).rejects.toMatchObject({
    code: "NO_BACKEND",
    message: expect.stringContaining(
      "cuda (NO_DEVICE): SwiftShader computes on the CPU. Remedy: use it with --backend cuda.",
    ) as string,
  });
  expect(await open("cuda")).toBe("cuda");
});

test("a backend that is named is never replaced", async () => {
  Object.assign(machine.found, { webgpu: there });
  await expect(open("cuda")).rejects.toMatchObject({
    code: "DRIVER",
    message: "backend cuda: there is no driver; install one",
  });
  await expect(open("webgpu", 2)).rejects.toMatchObject({ code: "USAGE" });
  const exact = { backend: "webgpu", activations: "f32" } as const;
  await expect(openBackend(exact, {} as Host)).rejects.toMatchObject({
    code: "USAGE",
    message: "--activations is for the cpu backend",
  });
});
