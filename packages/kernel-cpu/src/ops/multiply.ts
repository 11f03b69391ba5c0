import type { Runtime } from "../runtime.ts";

/** Runs the matrix product, at an estimated 32 floating-point operations per nanosecond. */
export function multiply(runtime: Runtime, multiplyAdds: number): void {
  runtime.run("product", multiplyAdds / 16);
}
