// The native addon: its interface, and how its file is found and loaded.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { UnavailableCode } from "@mamba/kernel";
import table from "../generated/kernels.json" with { type: "json" };

/** A device as the driver reports it. */
export interface FoundDevice {
  readonly name: string;
  /** Compute capability: 75 for 7.5. */
  readonly capability: number;
  readonly bytes: number;
}

/** The driver and the devices of this machine. */
export interface Found {
  /** The newest CUDA version that the driver supports: 13000 for 13.0. */
  readonly version: number;
  readonly devices: readonly FoundDevice[];
  /** The name of the cuBLAS library; empty when there is none. */
  readonly blas: string;
}

/**
 * The native half of one kernel instance. Errors thrown by its methods and rejections of `read` have a `code`: the driver's
 * name of the error, such as `CUDA_ERROR_OUT_OF_MEMORY`, or `NO_DRIVER`.
 */
export interface Session {
  /** Allocates device memory with undefined content and returns its address. */
  allocate(bytes: number): number;
  /** Frees memory after all submitted work. */
  free(address: number): void;
  /** Waits for the stream, then returns freed memory to the device. */
  trim(): void;
  /** Submits the records (see `Commands`) in the first `count` words. */
  submit(words: Uint32Array, count: number): void;
  /** Copies host memory to the device after all submitted work. */
  write(address: number, data: Uint8Array): void;
  /** Copies chunks of device memory to the host after all submitted work. `chunks` alternates addresses and byte counts. */
  read(chunks: Float64Array): Promise<ArrayBuffer[]>;
  /** Waits for the device, then releases everything. */
  close(): void;
  /** The name of the cuBLAS library; empty when there is none. The first access loads the library. */
  readonly blas: string;
  readonly counts: {
    /** GPU kernels launched one by one. */
    readonly kernels: number;
    /** Graphs launched. */
    readonly graphs: number;
    /** Graph nodes whose arguments were replaced. */
    readonly updates: number;
    /** Graphs created. */
    readonly built: number;
  };
}

export interface Addon {
  /** Digest of the CUDA sources that the addon was compiled from. */
  readonly digest: string;
  probe(): Found;
  readonly Session: new (device: number, kernels: readonly string[]) => Session;
}

/** The reason that CUDA is unavailable, and a remedy. */
export interface Missing {
  readonly code: UnavailableCode;
  readonly reason: string;
  readonly remedy: string;
}

const require = createRequire(import.meta.url);
const built = fileURLToPath(new URL("../build/mamba-cuda.node", import.meta.url));

/** Path of the addon: the one built in this package, else the one of the package for this platform. */
export function findAddon(): string | Missing {
  if (existsSync(built)) return built;
  const platform = `${process.platform}-${process.arch}${libc()}`;
  const name = packageOf(platform);
  return resolve(name) ?? noAddon(platform, resolve(`${name}/package.json`) !== undefined);
}

function packageOf(platform: string): string {
  return `@mamba/kernel-cuda-${platform}`;
}

function resolve(name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

/** Suffix for the C library: a Linux binary works with one C library only. */
function libc(): string {
  if (process.platform !== "linux") return "";
  const { header } = process.report.getReport() as {
    readonly header: { readonly glibcVersionRuntime?: string };
  };
  return header.glibcVersionRuntime === undefined ? "-musl" : "-gnu";
}

/**
 * Explains that there is no addon for a platform.
 *
 * @param platform the platform as it appears in package names
 * @param empty true when the platform's package is installed without a binary, as in a repository that was not built
 */
export function noAddon(platform: string, empty = false): Missing {
  const code = "NOT_INSTALLED";
  const name = packageOf(platform);
  if (platform !== published) {
    const reason = `there is no package ${name}: @mamba/kernel-cuda has a binary for ${published} only`;
    return { code, reason, remedy: remedyElsewhere(platform) };
  }
  if (empty) {
    return {
      code,
      reason: `the addon was not built here, and the package ${name} contains none`,
      remedy: fromSource,
    };
  }
  return {
    ...{ code, reason: `the package ${name} is not installed` },
    remedy: "install again without --omit=optional, or add that package of the same release",
  };
}

function remedyElsewhere(platform: string): string {
  if (platform.startsWith("darwin")) return "use another backend: CUDA does not support this system";
  if (platform.startsWith("win32")) return "run this in WSL 2, or use another backend";
  if (platform.endsWith("-musl"))
    return "use a Linux with glibc, which NVIDIA's driver needs, or another backend";
  return fromSource;
}

/** The platform that has a package with a binary. */
const published = "linux-x64-gnu";
const fromSource = "build it from source (see the README of @mamba/kernel-cuda), or use another backend";

/** Loads the addon into this process. */
export function loadAddon(path: string): Addon | Missing {
  let addon: Addon;
  try {
    addon = require(path) as Addon;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return {
      code: "NOT_INSTALLED",
      reason: `${path} cannot be loaded: ${message}`,
      remedy: fromSource,
    };
  }
  if (addon.digest === table.digest) return addon;
  return {
    code: "NOT_INSTALLED",
    reason: `${path} and @mamba/kernel-cuda have different versions`,
    remedy: "install the same version of both",
  };
}
