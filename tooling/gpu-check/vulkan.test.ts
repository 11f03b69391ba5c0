import { expect, test } from "vitest";
import { findVulkan, type Machine } from "./vulkan.ts";

const mounted = "/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json";

const machine = (files: readonly string[], rest: Partial<Machine> = {}): Machine => ({
  ...{ libraries: "libc.so.6", env: {}, exists: (file) => files.includes(file) },
  ...rest,
});

test("a machine with a loader and a driver file needs nothing", () => {
  const usual = "/etc/vulkan/icd.d/nvidia_icd.json";
  const found = findVulkan("/packed", machine([usual], { libraries: "libvulkan.so.1 (libc6,x86-64)" }));
  expect(found).toEqual({ env: {}, found: `this machine's loader, driver ${usual}` });
});

test("without a loader the packed one is used, before the folders of the environment", () => {
  const files = ["/packed/vulkan/libvulkan.so.1", mounted];
  const { env } = findVulkan("/packed", machine(files, { env: { LD_LIBRARY_PATH: "/opt/lib" } }));
  expect(env).toEqual({ LD_LIBRARY_PATH: "/packed/vulkan:/opt/lib", VK_DRIVER_FILES: mounted });
});

test("a driver that the environment names stays", () => {
  const { env, found } = findVulkan("/packed", machine([mounted], { env: { VK_ICD_FILENAMES: "/my.json" } }));
  expect(env).toEqual({});
  expect(found).toBe("no loader (none on this machine, none packed), driver /my.json");
});

test("a machine without any driver file is described", () => {
  expect(findVulkan("/packed", machine([])).found).toContain("no nvidia_icd.json in /usr/share/vulkan/icd.d");
});
