import type { UnavailableCode } from "@mamba/kernel";

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

/** Node's errors of files in words. */
const fileErrors: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EISDIR: "it is a folder, and a file is needed",
  ENOTDIR: "a part of the path is a file, and a folder is needed",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the device",
  ELOOP: "there are too many symbolic links in the path",
  ENAMETOOLONG: "the name is too long",
};

/** One line for people: `message [CODE]`. Node's errors of files read `path: reason [CODE]`. */
export function describeError(error: unknown): string {
  const code = codeOf(error);
  const { path } = (error ?? {}) as { path?: unknown };
  const reason = code === undefined ? undefined : fileErrors[code];
  let message = error instanceof Error ? error.message : String(error);
  // Libraries of this project say which file it is and what it is for; only Node's own message is replaced.
  if (reason !== undefined && typeof path === "string" && message.startsWith(`${code}: `)) {
    message = `${path}: ${reason}`;
  }
  return code === undefined || message.includes(`[${code}]`) ? message : `${message} [${code}]`;
}
