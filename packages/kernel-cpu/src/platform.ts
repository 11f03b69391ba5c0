// The globals that this package uses, typed here because browsers, Node and their workers have no common type library.
// Optional ones may be missing at run time.

/** A `WebAssembly.Memory` that is shared. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

/** A compiled module: opaque, can be posted to workers. */
export type WasmModule = object;

/** A worker of the browser. */
interface WebWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  addEventListener(type: "message" | "error", listener: (event: { message?: string }) => void): void;
}

/** A worker of Node. */
interface NodeWorker {
  postMessage(message: unknown): void;
  once(event: "message" | "error" | "exit", listener: (value: unknown) => void): void;
  unref(): void;
  terminate(): Promise<number>;
}

/** The parts of Node's built-in modules that are used. */
export interface NodeModules {
  "node:worker_threads": {
    Worker: new (
      source: string,
      options: { eval: true; execArgv: []; workerData: unknown; name: string },
    ) => NodeWorker;
  };
  "node:os": { availableParallelism(): number; totalmem(): number; freemem(): number; platform(): string };
  "node:fs": { readFileSync(path: string, encoding: "utf8"): string };
}

/** A `WebAssembly.Table`. */
export interface WasmTable {
  /** Appends entries. Returns the index of the first one. */
  grow(count: number): number;
  set(index: number, value: unknown): void;
}

interface Platform {
  readonly WebAssembly: {
    Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
    Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
    compile(bytes: Uint8Array): Promise<WasmModule>;
    instantiate(module: WasmModule, imports: object): Promise<{ readonly exports: unknown }>;
    validate(bytes: Uint8Array): boolean;
  };
  readonly performance: { now(): number };
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Worker?: new (url: string, options: { name: string }) => WebWorker;
  readonly Blob: new (
    parts: (string | Uint8Array)[],
    options?: { type: string },
  ) => { stream(): { pipeThrough(transform: object): object } };
  readonly DecompressionStream: new (format: "gzip") => object;
  readonly Response: new (body: object) => { arrayBuffer(): Promise<ArrayBuffer> };
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  atob(text: string): string;
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
  readonly process?: {
    getBuiltinModule?<K extends keyof NodeModules>(name: K): NodeModules[K];
    constrainedMemory?(): number;
    readonly memoryUsage?: { rss(): number };
  };
}

/** `globalThis` with the types above. */
export const platform = globalThis as unknown as Platform;

/**
 * A built-in module of Node, or undefined elsewhere. Not an `import()`: bundlers for the browser would try to resolve
 * it, and some refuse the `node:` scheme.
 */
export function nodeModule<K extends keyof NodeModules>(name: K): NodeModules[K] | undefined {
  return platform.process?.getBuiltinModule?.(name);
}
