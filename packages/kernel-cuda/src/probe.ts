// Looks for a device in a child process, so that a crash of the driver ends only the child process.

import { execFile } from "node:child_process";
import { findAddon, type Found, type FoundDevice, type Missing } from "./addon.ts";

/** The oldest CUDA version whose drivers load code compiled by nvcc 13. */
const oldestVersion = 13000;
const oldestDriver = "580";
const oldestCapability = 75;

const script = `
  let result;
  try { result = { found: require(process.env.MAMBA_CUDA_ADDON).probe() }; }
  catch (error) { result = { code: error.code, message: error.message }; }
  process.stdout.write(JSON.stringify(result));
`;

type Answer =
  | { readonly found: Found }
  | { readonly found?: undefined; readonly code?: string; readonly message: string };

/** A machine with a supported device. */
export interface Machine {
  readonly addon: string;
  readonly found: Found;
  /** The first supported device. */
  readonly device: FoundDevice;
}

// Successful probes are cached; a missing driver or device may be installed later, so failures are not.
const known = new Map<string, Machine>();

/** Returns the machine's devices, or the reason that CUDA is unavailable. Never rejects. */
export async function probeMachine(): Promise<Machine | Missing> {
  const addon = findAddon();
  if (typeof addon !== "string") return addon;
  const key = `${addon}\0${process.env["MAMBA_CUDA_DRIVER"] ?? ""}`;
  const before = known.get(key);
  if (before) return before;
  const answer = await ask(addon);
  if (!answer.found) return explain(answer.code, answer.message);
  const { found } = answer;
  const device = usableDevice(found);
  if ("code" in device) return device;
  const machine = { addon, found, device };
  known.set(key, machine);
  return machine;
}

/** Describes a device in words. */
export function describeDevice(device: FoundDevice, { version, blas }: Found): string {
  const memory = `${(device.bytes / 2 ** 30).toFixed(0)} GiB`;
  const products = blas === "" ? "own matrix products" : "cuBLAS";
  return `${device.name}, compute ${capability(device)}, ${memory}, CUDA ${cuda(version)}, ${products}`;
}

/** True for the stand-in of the tests, which computes on the CPU and says so in its name. */
export function isStandIn(device: FoundDevice): boolean {
  return device.name.includes("stand-in");
}

/** Returns the reason that a device is not supported, or undefined. */
export function deviceLacking(device: FoundDevice): Missing | undefined {
  if (device.capability >= oldestCapability) return undefined;
  return {
    code: "LIMITS",
    reason: `${device.name} has compute capability ${capability(device)}, this backend needs 7.5 (Turing) or newer`,
    remedy: "use a newer GPU, or another backend",
  };
}

function usableDevice({ version, devices }: Found): FoundDevice | Missing {
  if (version < oldestVersion) {
    return {
      code: "DRIVER",
      reason: `the NVIDIA driver supports CUDA ${cuda(version)}, this backend needs ${cuda(oldestVersion)}`,
      remedy: `install NVIDIA driver ${oldestDriver} or newer`,
    };
  }
  const [first] = devices;
  if (process.env["MAMBA_CUDA_DRIVER"] && first && !isStandIn(first)) {
    return {
      code: "DRIVER",
      reason: `MAMBA_CUDA_DRIVER is for stand-ins in tests, but it names a driver with a real device (${first.name})`,
      remedy: "unset MAMBA_CUDA_DRIVER",
    };
  }
  if (!first) return noDevice("the driver finds no GPU");
  return devices.find((device) => !deviceLacking(device)) ?? (deviceLacking(first) as Missing);
}

function noDevice(reason: string): Missing {
  return {
    code: "NO_DEVICE",
    reason,
    remedy: "check nvidia-smi, CUDA_VISIBLE_DEVICES and, in a container, that the GPU is passed to it",
  };
}

/** Translates an error of the addon for the user. */
function explain(code: string | undefined, reason: string): Missing {
  if (code === "CUDA_ERROR_NO_DEVICE") return noDevice("the driver finds no GPU");
  const install = `install NVIDIA driver ${oldestDriver} or newer`;
  return {
    code: "DRIVER",
    reason,
    remedy: code === "NO_DRIVER" ? install : `restart the machine, or ${install}`,
  };
}

function ask(addon: string): Promise<Answer> {
  // Electron's executable runs scripts only with ELECTRON_RUN_AS_NODE. NODE_OPTIONS is meant for this process, not for the
  // child. The path is not an argument: in Deno a script given as text has another argument 1.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "", MAMBA_CUDA_ADDON: addon };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--eval", script], { env, timeout: 60_000 }, (error, stdout) => {
      try {
        resolve(JSON.parse(stdout) as Answer);
      } catch {
        const how = error?.signal ? `signal ${error.signal}` : `exit code ${error?.code ?? 0}`;
        resolve({ message: `asking the NVIDIA driver for devices ended with ${how}` });
      }
    });
  });
}

function cuda(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

function capability(device: FoundDevice): string {
  return `${Math.floor(device.capability / 10)}.${device.capability % 10}`;
}
