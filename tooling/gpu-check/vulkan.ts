import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const loaderName = "libvulkan.so.1";
const driverFolders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
/** NVIDIA's driver files on machines where the driver is mounted outside the folders that the loader searches. */
const mountedDrivers = ["/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json"];

/** Facts about a machine that decide how Vulkan is found. */
export interface Machine {
  /** The output of `ldconfig -p`: the libraries that the dynamic linker finds. */
  readonly libraries: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly exists: (file: string) => boolean;
}

/** How a process finds Vulkan. */
export interface VulkanPaths {
  /** Environment variables that the process needs. */
  readonly env: Readonly<Record<string, string>>;
  /** The loader and the driver file in words. */
  readonly found: string;
}

const thisMachine = (): Machine => ({
  libraries: spawnSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" }).stdout ?? "",
  env: process.env,
  exists: existsSync,
});

/**
 * Looks for a Vulkan loader, on the machine or in the packed folder, and for the file that names NVIDIA's driver. A driver
 * that the environment already names stays.
 *
 * @param folder the packed folder, which may hold `vulkan/libvulkan.so.1`
 */
export function findVulkan(folder: string, machine = thisMachine()): VulkanPaths {
  const loader = findLoader(join(folder, "vulkan"), machine);
  const driver = findDriver(machine);
  return { env: { ...loader.env, ...driver.env }, found: `${loader.found}, ${driver.found}` };
}

function findLoader(packed: string, { libraries, env, exists }: Machine): VulkanPaths {
  if (libraries.includes(loaderName)) return { env: {}, found: "this machine's loader" };
  if (!exists(join(packed, loaderName))) {
    return { env: {}, found: "no loader (none on this machine, none packed)" };
  }
  const { LD_LIBRARY_PATH } = env;
  const path = LD_LIBRARY_PATH ? `${packed}:${LD_LIBRARY_PATH}` : packed;
  return { env: { LD_LIBRARY_PATH: path }, found: "the packed loader" };
}

function findDriver({ env, exists }: Machine): VulkanPaths {
  const chosen = env["VK_DRIVER_FILES"] ?? env["VK_ICD_FILENAMES"];
  if (chosen) return { env: {}, found: `driver ${chosen}` };
  const usual = driverFolders.map((place) => join(place, "nvidia_icd.json")).find(exists);
  if (usual !== undefined) return { env: {}, found: `driver ${usual}` };
  const mounted = mountedDrivers.find(exists);
  if (mounted !== undefined) return { env: { VK_DRIVER_FILES: mounted }, found: `driver ${mounted}` };
  return { env: {}, found: `no nvidia_icd.json in ${driverFolders.join(" or ")}` };
}
