// Where WebGPU comes from: the browser (or Deno) itself, or in Node the optional package `webgpu`, which is Dawn.

import { KernelError, type UnavailableCode } from "@mamba/kernel";

/** Why there is no WebGPU here. */
export interface Missing {
  readonly code: UnavailableCode;
  readonly reason: string;
  readonly remedy: string;
}

interface Platform {
  readonly navigator?: { readonly gpu?: GPU };
  readonly isSecureContext?: boolean;
  readonly process?: { readonly versions?: { readonly node?: string } };
}

/** What the package `webgpu` exports. */
interface Dawn {
  readonly create: (options: readonly string[]) => GPU;
}

/** Not a literal, nor a constant, which esbuild would make one of: bundlers for browsers must not look for it. */
const dawnPackage = { name: "webgpu" };

// Dawn's instance lives as long as the process: its devices die with it.
let dawn: Promise<GPU> | undefined;

/** The entry point of WebGPU, or why there is none. Never rejects. */
export async function findGpu(): Promise<GPU | Missing> {
  const platform = globalThis as Platform;
  if (platform.navigator?.gpu) return platform.navigator.gpu;
  if (platform.process?.versions?.node === undefined) {
    if (platform.isSecureContext === false) {
      return {
        code: "NO_DEVICE",
        reason: "WebGPU is there for secure pages only, and this one is not",
        remedy: "serve the page over https, or from localhost",
      };
    }
    return {
      code: "NO_DEVICE",
      reason: "this browser has no WebGPU (navigator.gpu)",
      remedy: "use a current version of Chrome, Edge, Safari or Firefox",
    };
  }
  try {
    return await (dawn ??= loadDawn());
  } catch (cause) {
    dawn = undefined;
    const code = (cause as { code?: unknown } | undefined)?.code;
    const message = cause instanceof Error ? cause.message : String(cause);
    if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
      return {
        code: "NOT_INSTALLED",
        reason: "Node has no WebGPU of its own, and the package webgpu is not installed",
        remedy: "npm install webgpu",
      };
    }
    return {
      code: "DRIVER",
      reason: `the package webgpu could not be loaded: ${message}`,
      remedy: "install a version of the package webgpu that has binaries for this platform",
    };
  }
}

async function loadDawn(): Promise<GPU> {
  const { create } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ dawnPackage.name)) as Dawn;
  return create([]);
}

/** The adapter to use, or why there is none. Never rejects. */
export async function findAdapter(
  gpu: GPU,
  options?: GPURequestAdapterOptions,
): Promise<GPUAdapter | Missing> {
  let reason = "WebGPU is there, but it finds no adapter";
  try {
    const adapter = await gpu.requestAdapter(options);
    if (adapter) return adapter;
  } catch (cause) {
    reason += `: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
  const node = (globalThis as Platform).process?.versions?.node !== undefined;
  const remedy = node
    ? "install a driver for Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS); for a software adapter, set " +
      "VK_ICD_FILENAMES to the ICD file of SwiftShader or lavapipe"
    : "update the graphics driver, or enable WebGPU and hardware acceleration in the browser's settings";
  return { code: "NO_DEVICE", reason, remedy };
}

/** @throws KernelError with the code of what is missing */
export function refuse(missing: Missing): never {
  throw new KernelError(missing.code, `createWebGpuKernel: ${missing.reason}; ${missing.remedy}`);
}

/** The adapter in words. */
export function describeAdapter(info: GPUAdapterInfo | undefined): string {
  const name =
    info?.description || [info?.vendor, info?.architecture, info?.device].filter(Boolean).join(" ");
  return `WebGPU, ${name || "an adapter that does not say its name"}`;
}

/** Names of adapters that compute on the CPU, for browsers that do not say it of themselves. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|basic render|\bwarp\b/i;

/** Whether the adapter computes on the CPU. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  const { isFallbackAdapter, architecture = "", device = "", description = "" } = info ?? {};
  return isFallbackAdapter === true || softwareNames.test(`${architecture} ${device} ${description}`);
}
