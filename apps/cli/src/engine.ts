import { setFlagsFromString } from "node:v8";

/**
 * Turns on the relaxed SIMD of WebAssembly, for its fused multiply-adds, in Node 20: there it works but stands behind a
 * flag, from Node 21 on it is simply there. To be called before anything is compiled. The engine belongs to the program,
 * so this is done here and not in the library.
 */
export function enableRelaxedSimd(): void {
  if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
}
