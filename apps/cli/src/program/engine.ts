import { setFlagsFromString } from "node:v8";

/**
 * Turns on WebAssembly's relaxed SIMD in Node 20, where it works but stands behind a flag; Node 21 and later have it on.
 * The backend uses its fused multiply-adds. Must be called before anything is compiled. The flag applies to the whole
 * process, so the program sets it and not the library.
 */
export function enableRelaxedSimd(): void {
  if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
}
