// Looks for a device in a child process: a driver that crashes takes only that one with it.

import { execFile } from "node:child_process";
import { findAddon, type Found, type FoundDevice, type Missing } from "./addon.ts";

/** The first CUDA whose drivers load what nvcc 13 compiled. */
const oldestVersion = 13000;
const oldestDriver = "580";
const oldestCapability = 75;

const script = `
  let result;
  try { result = { found: require(process.argv[1]).probe() }; }
  catch (error) { result = { code: error.code, message: error.message }; }
  process.stdout.write(JSON.stringify(result));
`;

type Answer =
  | { readonly found: Found }
  | { readonly found?: undefined; readonly code?: string; readonly message: string };

/** A machine that can run the kernels. */
export interface Machine {
  readonly addon: string;
  readonly found: Found;
  /** The first device that they run on. */
  readonly device: FoundDevice;
}

// What is there stays there; what is missing may be installed meanwhile.
const known = new Map<string, Machine>();

/** What is on this machine, or what is missing. Never rejects. */
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

/** A device in words. */
export function describeDevice(device: FoundDevice, { version, blas }: Found): string {
  const memory = `${(device.bytes / 2 ** 30).toFixed(0)} GiB`;
  const products = blas === "" ? "own matrix products" : "cuBLAS";
  return `${device.name}, compute ${capability(device)}, ${memory}, CUDA ${cuda(version)}, ${products}`;
}

/** Whether it is the stand-in of the tests, which computes on the CPU and says so in its name. */
export function isStandIn(device: FoundDevice): boolean {
  return device.name.includes("stand-in");
}

/** Why a device does not do, if so. */
export function deviceLacking(device: FoundDevice): Missing | undefined {
  if (device.capability >= oldestCapability) return undefined;
  return {
    code: "LIMITS",
    reason: `${device.name} has compute capability ${capability(device)}, the kernels need 7.5 (Turing) or newer`,
    remedy: "use a newer GPU, or another backend",
  };
}

function usableDevice({ version, devices }: Found): FoundDevice | Missing {
  if (version < oldestVersion) {
    return {
      code: "DRIVER",
      reason: `the NVIDIA driver knows CUDA ${cuda(version)}, the kernels need ${cuda(oldestVersion)}`,
      remedy: `install NVIDIA driver ${oldestDriver} or newer`,
    };
  }
  const [first] = devices;
  if (process.env["MAMBA_CUDA_DRIVER"] && first && !isStandIn(first)) {
    return {
      code: "DRIVER",
      reason: `MAMBA_CUDA_DRIVER is for a stand-in in tests, and it names a driver with a real device (${first.name})`,
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
    remedy: "check nvidia-smi, CUDA_VISIBLE_DEVICES and, in a container, that it was given the GPU",
  };
}

/** What the addon's error means for the user. */
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
  // Another process than Node's own, as in Electron, runs scripts when it is told to; options meant for this process are not
  // meant for that one.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--eval", script, addon], { env, timeout: 60_000 }, (error, stdout) => {
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
