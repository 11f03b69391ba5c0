import { fileProblem } from "./fileErrors.ts";

/** The exit codes of the process. */
export const exitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** 128 + SIGHUP, as shells report it. */
  hungUp: 129,
  /** 128 + SIGINT. */
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
 * - `EXISTS`: a file or folder that would be overwritten
 * - `NOT_FLAT`: activations that depend on the width although muP is on
 */
export type CliErrorCode = "USAGE" | "EXISTS" | "NOT_FLAT";

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

/** The problem of the abort signal: why the process should end early, and with which exit code. */
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

/** One line for people: `message [CODE]`. Node's errors of files read `path: problem [CODE]`. */
export function describeError(error: unknown): string {
  const code = codeOf(error);
  const message = error instanceof Error ? inWords(error) : String(error);
  return code === undefined || message.includes(`[${code}]`) ? message : `${message} [${code}]`;
}

/** The message of an error, in which Node's own text about a file, also that of the cause, is replaced by words. */
function inWords(error: Error): string {
  const { message, cause } = error;
  const { path } = error as { path?: unknown };
  const problem = problemOf(error);
  if (problem !== undefined && typeof path === "string") return `${path}: ${problem}`;
  const inner = problemOf(cause);
  return inner === undefined || !(cause instanceof Error)
    ? message
    : message.replace(cause.message, () => inner);
}

/** The problem that Node's own message says; undefined for other errors, also those of this project that have Node's code. */
function problemOf(error: unknown): string | undefined {
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error) || !error.message.startsWith(`${code}: `))
    return undefined;
  return fileProblem(code);
}
