import { KernelError } from "@mamba/kernel";
import { jobRecords } from "./generated/records.ts";
import { relaxedWasm } from "./generated/relaxed.ts";
import { simdWasm } from "./generated/simd.ts";
import { platform, type SharedMemory, type WasmModule, type WasmTable } from "./platform.ts";

/** A job of the module: assembly/records.ts says what that is. */
export type JobName = keyof typeof jobRecords;

/** The jobs, in the order in which every thread has them in its table. */
export const jobNames = Object.keys(jobRecords) as readonly JobName[];

type JobExports = {
  readonly [J in JobName as `${J}Units`]: (args: number) => number;
} & {
  readonly [J in JobName as `${J}Scratch`]?: (args: number) => number;
} & {
  readonly [J in JobName as `${J}Run`]: (args: number, begin: number, end: number, scratch: number) => void;
};

/** The exports of assembly/index.ts. Addresses are unsigned 32-bit numbers, but come back signed: apply `>>> 0`. */
export interface WasmExports extends JobExports {
  /** Holds the functions that `post` calls by index. */
  readonly table: WasmTable;
  heapBase(): number;
  post(
    control: number,
    run: number,
    args: number,
    units: number,
    claims: number,
    scratch: number,
    scratchStride: number,
    wake: boolean,
  ): number;
  pending(control: number, spins: number, maySleep: boolean): number;
  faulted(control: number): number;
  reload(control: number, generation: number): void;
  stop(control: number): void;
  copyRows(target: number, source: number, rows: number, rowBytes: number, sourceStride: number): void;
  fillZero(address: number, bytes: number): void;
  madProbeFlops(): number;
}

/** A build for the features of this engine. */
export interface WasmBuild {
  /** True when multiply-adds are fused (relaxed SIMD). */
  readonly fused: boolean;
  readonly module: WasmModule;
}

// (module (func (result v128) (i8x16.relaxed_swizzle (i8x16.splat (i32.const 1)) (i8x16.splat (i32.const 2)))))
const relaxedProbe = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
];
// (module (memory 1 1 shared) (func (result v128) (v128.const 0)))
const threadsProbe = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1],
  ...[10, 22, 1, 20, 0, 253, 12, ...new Array<number>(16).fill(0), 11],
];

/** Returns why this engine cannot run the module, with a remedy; undefined when it can. */
export function whyUnavailable(): { readonly reason: string; readonly remedy: string } | undefined {
  let valid = false;
  try {
    valid = platform.WebAssembly.validate(new Uint8Array(threadsProbe));
  } catch {
    // There is no WebAssembly, as in the lockdown mode of iOS.
  }
  if (!valid || !("DecompressionStream" in platform)) {
    const reason = `this JavaScript engine lacks ${valid ? "DecompressionStream" : "WebAssembly SIMD or threads"}`;
    return { reason, remedy: "use Node 20.19 or later, or a browser of June 2023 or later" };
  }
  try {
    new platform.WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return undefined;
  } catch (cause) {
    const reason = `this engine refuses shared memory (${String(cause)})`;
    const page = "serve the page with the headers COOP same-origin and COEP require-corp, which Safari needs";
    // Node reserves the address space of the largest WebAssembly memory, which a limit of the shell may forbid.
    const process = "allow the process more address space (ulimit -v unlimited)";
    return { reason, remedy: platform.crossOriginIsolated === undefined ? process : page };
  }
}

/** True when the engine has the fused multiply-add of relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return platform.WebAssembly.validate(new Uint8Array(relaxedProbe));
}

/**
 * Compiles the fastest build that this engine supports.
 *
 * @throws KernelError `LIMITS` without SIMD, shared memory or DecompressionStream, `DRIVER` when the platform forbids WebAssembly.
 */
export async function compileBuild(): Promise<WasmBuild> {
  const missing = whyUnavailable();
  if (missing) throw new KernelError("LIMITS", `${missing.reason}; ${missing.remedy}`);
  const fused = hasRelaxedSimd();
  try {
    return { fused, module: await platform.WebAssembly.compile(await unzip(fused ? relaxedWasm : simdWasm)) };
  } catch (cause) {
    throw new KernelError("DRIVER", `the engine refused the WebAssembly module: ${String(cause)}`, { cause });
  }
}

/** The bytes of a build, which src/generated/ holds gzipped in base64. */
async function unzip(text: string): Promise<Uint8Array> {
  const zipped = Uint8Array.from(platform.atob(text), (c) => c.charCodeAt(0));
  const stream = new platform.Blob([zipped]).stream().pipeThrough(new platform.DecompressionStream("gzip"));
  return new Uint8Array(await new platform.Response(stream).arrayBuffer());
}

/** Instantiates a build on a memory for the calling thread. */
export async function instantiate(build: WasmBuild, memory: SharedMemory): Promise<WasmExports> {
  const instance = await platform.WebAssembly.instantiate(build.module, { env: { memory } });
  return instance.exports as WasmExports;
}

/** The same at once. The module is smaller than the limit of browsers (8 MB) for this on the main thread of a page. */
export function instantiateNow(build: WasmBuild, memory: SharedMemory): WasmExports {
  return new platform.WebAssembly.Instance(build.module, { env: { memory } }).exports as WasmExports;
}

/**
 * Appends the functions of the jobs of an instance to the table of the main instance. Workers do the same in the same order, so that
 * an index stands for the same function in every thread.
 *
 * @returns the index of each job's function
 */
export function fillTable(table: WasmTable, wasm: WasmExports): Readonly<Record<JobName, number>> {
  const first = table.grow(jobNames.length);
  const indices = jobNames.map((name, i): [JobName, number] => {
    table.set(first + i, wasm[`${name}Run`]);
    return [name, first + i];
  });
  return Object.fromEntries(indices) as Record<JobName, number>;
}
