// The native part: where it is found, and what it offers.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { UnavailableCode } from "@mamba/kernel";
import table from "../generated/kernels.json" with { type: "json" };

/** A device, as the driver describes it. */
export interface FoundDevice {
  readonly name: string;
  /** Compute capability: 75 for 7.5. */
  readonly capability: number;
  readonly bytes: number;
}

/** What the addon finds on this machine. */
export interface Found {
  /** The newest CUDA that the driver knows: 13000 for 13.0. */
  readonly version: number;
  readonly devices: readonly FoundDevice[];
  /** The name of the cuBLAS library, empty where there is none. */
  readonly blas: string;
}

/**
 * One kernel instance. Errors of its methods, and of the promise of `read`, have a `code`: the driver's own name for what
 * failed, such as `CUDA_ERROR_OUT_OF_MEMORY`, or `NO_DRIVER`.
 */
export interface Session {
  /** The address of device memory with any content. */
  allocate(bytes: number): number;
  /** After all that was submitted. */
  free(address: number): void;
  /** Waits for the stream and gives freed memory back to the device. */
  trim(): void;
  /** Runs the records (see `Commands`) in the first `count` words. */
  submit(words: Uint32Array, count: number): void;
  /** Copies host memory to the device, after all that was submitted. */
  write(address: number, data: Uint8Array): void;
  /** Copies of pieces of device memory, given as addresses and byte counts in turns, after all that was submitted. */
  read(sources: Float64Array): Promise<ArrayBuffer[]>;
  /** Gives everything back, and waits for the device before. */
  close(): void;
  /** The name of the cuBLAS library, empty where there is none. Asking loads it. */
  readonly blas: string;
  readonly counts: {
    /** Kernels launched one by one. */
    readonly kernels: number;
    /** Graphs launched. */
    readonly graphs: number;
    /** Kernels of graphs whose arguments were replaced. */
    readonly updates: number;
    /** Graphs made. */
    readonly built: number;
  };
}

export interface Addon {
  /** Of the kernel sources that are compiled into it. */
  readonly digest: string;
  probe(): Found;
  readonly Session: new (device: number, kernels: readonly string[]) => Session;
}

/** Why there is no CUDA here. */
export interface Missing {
  readonly code: UnavailableCode;
  readonly reason: string;
  readonly remedy: string;
}

const require = createRequire(import.meta.url);
const built = fileURLToPath(new URL("../build/mamba-cuda.node", import.meta.url));

/** The addon's file: the one that was built here, else the one of the package for this platform. */
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

/** Linux binaries are for one C library. */
function libc(): string {
  if (process.platform !== "linux") return "";
  const { header } = process.report.getReport() as {
    readonly header: { readonly glibcVersionRuntime?: string };
  };
  return header.glibcVersionRuntime === undefined ? "-musl" : "-gnu";
}

/**
 * @param platform as in the names of the packages with binaries
 * @param empty whether its package is there, but no binary in it: that of a repository where nothing was compiled
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
      reason: `no addon was built here, and the package ${name} holds none`,
      remedy: fromSource,
    };
  }
  return {
    ...{ code, reason: `the package ${name} is not installed` },
    remedy: `npm install ${name}, at the version of @mamba/kernel-cuda (--omit=optional leaves it out)`,
  };
}

function remedyElsewhere(platform: string): string {
  if (platform.startsWith("darwin")) return "use another backend: CUDA is not made for this system";
  if (platform.startsWith("win32")) return "run this in WSL 2, or use another backend";
  if (platform.endsWith("-musl"))
    return "use a Linux with glibc, as NVIDIA's driver does, or another backend";
  return fromSource;
}

/** What there is a package with a binary for. */
const published = "linux-x64-gnu";
const fromSource = "build it from source, as the README of @mamba/kernel-cuda says, or use another backend";

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
    reason: `${path} is of another version than @mamba/kernel-cuda`,
    remedy: "install both at the same version",
  };
}
