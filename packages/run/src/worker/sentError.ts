import { messageOf } from "../messageOf.ts";

/** An error as it crosses between threads. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  /** The keys of the symbols by which classes of errors are recognised, such as that of `KernelError`. */
  readonly brands: readonly string[];
  readonly cause?: SentError | undefined;
}

/** Causes of causes that are sent. */
const mostCauses = 4;

/** The keys of brands: a package, and a class of errors. */
const brandPattern = /^@[\w.-]+\/[\w.-]+\.\w+Error$/;

/** An error as plain data. Values that are thrown but are no errors become errors with their text. */
export function sentError(error: unknown, causes = mostCauses): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: messageOf(error), brands: [] };
  const { name, message, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    name,
    message,
    code: typeof code === "string" ? code : undefined,
    brands: Object.getOwnPropertySymbols(error).flatMap((symbol) => {
      const key = Symbol.keyFor(symbol);
      return key !== undefined && brandPattern.test(key) ? [key] : [];
    }),
    ...(cause !== undefined && causes > 0 && { cause: sentError(cause, causes - 1) }),
  };
}

/** The error again: with its name, code and cause, and recognised by the `is` of its class. */
export function receivedError({ name, message, code, brands, cause }: SentError): Error {
  const error = new Error(message, cause && { cause: receivedError(cause) });
  error.name = name;
  if (code !== undefined) Object.assign(error, { code });
  for (const brand of brands) {
    if (brandPattern.test(brand)) Object.defineProperty(error, Symbol.for(brand), { value: true });
  }
  return error;
}
