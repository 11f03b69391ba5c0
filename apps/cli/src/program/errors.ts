import type { UnavailableCode } from "@mamba/kernel";

/** The exit codes of the process. */
export const exitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** 128 + SIGINT, as shells report it. */
  interrupted: 130,
  /** 128 + SIGPIPE: the reader of the output has closed it. */
  outputClosed: 141,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;

/**
 * Errors of the commands themselves; errors of the libraries pass through with their own codes.
 *
 * - `USAGE`: an option, argument or value that the command does not take
 * - `NOT_INSTALLED`, `NO_DEVICE`, `DRIVER`, `LIMITS`, `INTERFACE_VERSION`: a backend that is not available, and why
 * - `EXISTS`: a file or folder that would be overwritten
 * - `NOT_FLAT`: activations that depend on the width although muP is on
 */
export type CliErrorCode = "USAGE" | UnavailableCode | "EXISTS" | "NOT_FLAT";

export class CliError extends Error {
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string) {
    super(message);
    this.name = "CliError";
    this.code = code;
  }
}

/** The error of a command line that is wrong. */
export function usage(message: string): CliError {
  return new CliError("USAGE", message);
}

/** The reason of the abort signal: why the process should end early, and with which exit code. */
export class Stop extends Error {
  readonly exitCode: number;

  constructor(message: string, code: number) {
    super(message);
    this.name = "Stop";
    this.exitCode = code;
  }
}

/** The `code` that Node and every library of this project put on their errors. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** One line for people: `message [CODE]`. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  return code === undefined || message.includes(`[${code}]`) ? message : `${message} [${code}]`;
}
