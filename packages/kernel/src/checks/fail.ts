import { KernelError } from "../errors.ts";

/** Throws the error of a wrong argument: `op: message`. */
export function fail(code: "ARGUMENT" | "SHAPE" | "DTYPE", op: string, message: string): never {
  throw new KernelError(code, `${op}: ${message}`);
}
