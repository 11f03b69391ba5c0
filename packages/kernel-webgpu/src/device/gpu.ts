// Finds WebGPU: in browsers and Deno it is built in, in Node it comes with the optional package `webgpu` (Dawn).

import { KernelError, type UnavailableCode } from "@mamba/kernel";

/** The reason why WebGPU is not available, and a remedy. */
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

/** The exports of the package `webgpu`. */
interface Dawn {
  readonly create: (options: readonly string[]) => GPU;
}

/** Not a string constant, which esbuild would inline as a literal: bundlers for browsers must not resolve the package. */
const dawnPackage = { name: "webgpu" };

// Dawn's instance lives as long as the process: its devices stop working when it is freed.
let dawn: Promise<GPU> | undefined;

/** Returns the entry point of WebGPU, or the reason why there is none. Never rejects. */
export async function findGpu(): Promise<GPU | Missing> {
  const platform = globalThis as Platform;
  if (platform.navigator?.gpu) return platform.navigator.gpu;
  if (platform.process?.versions?.node === undefined) {
    if (platform.isSecureContext === false) {
      return {
        code: "NO_DEVICE",
        reason: "WebGPU is available on secure pages only, and this page is not secure",
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
        reason: "this runtime has no built-in WebGPU, and the package webgpu is not installed",
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

/** Returns the adapter to use, or the reason why there is none. Never rejects. */
export async function findAdapter(
  gpu: GPU,
  options?: GPURequestAdapterOptions,
): Promise<GPUAdapter | Missing> {
  let reason = "WebGPU is supported, but it finds no adapter";
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

/** @throws KernelError always, with the code of the reason */
export function refuse(missing: Missing): never {
  throw new KernelError(missing.code, `createWebGpuKernel: ${missing.reason}; ${missing.remedy}`);
}

/** A description of the adapter for people. */
export function describeAdapter(info: GPUAdapterInfo | undefined): string {
  const name =
    info?.description || [info?.vendor, info?.architecture, info?.device].filter(Boolean).join(" ");
  return `WebGPU, ${name || "unnamed adapter"}`;
}

/** Names of software adapters, for browsers that do not report `isFallbackAdapter`. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|basic render|\bwarp\b/i;

/** True when the adapter computes on the CPU. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  const { isFallbackAdapter, architecture = "", device = "", description = "" } = info ?? {};
  return isFallbackAdapter === true || softwareNames.test(`${architecture} ${device} ${description}`);
}
