import { KernelError, type KernelErrorCode } from "@mamba/kernel";

/** The error of every failing test: the kernel broke the contract. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
}

/** Throws a `ConformanceError` unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConformanceError(message);
}

/** Checks that numbers, strings or booleans are equal; NaN equals NaN. */
export function checkEqual<T extends number | string | boolean | undefined>(
  what: string,
  actual: T,
  expected: T,
): void {
  check(
    Object.is(actual, expected),
    `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`,
  );
}

/** Checks that `body` throws, at once, a `KernelError` of this code whose message names the op. */
export function checkThrows(code: KernelErrorCode, op: string, what: string, body: () => unknown): void {
  let result: unknown;
  try {
    result = body();
  } catch (error) {
    checkError(error, code, op, what);
    return;
  }
  if (result instanceof Promise) result.catch(() => undefined);
  throw new ConformanceError(
    `${op}: ${what}: expected KernelError ${code} to be thrown at once, nothing was`,
  );
}

/** Like `checkThrows` for calls that return a promise, which may throw at once or reject. */
export async function checkRejects(
  code: KernelErrorCode,
  op: string,
  what: string,
  body: () => Promise<unknown>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    checkError(error, code, op, what);
    return;
  }
  throw new ConformanceError(`${op}: ${what}: expected a rejection with KernelError ${code}, it resolved`);
}

function checkError(error: unknown, code: KernelErrorCode, op: string, what: string): void {
  const found = KernelError.is(error) ? `KernelError ${error.code} (${error.message})` : String(error);
  check(KernelError.is(error, code), `${op}: ${what}: expected KernelError ${code}, got ${found}`);
  check(
    code === "DISPOSED" || code === "FOREIGN_TENSOR" || error.message.includes(op),
    `${op}: ${what}: the message must name the op, got "${error.message}"`,
  );
}
