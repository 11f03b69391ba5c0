import type { Report } from "../protocol.ts";

/** The report of an error. */
export function failure(error: unknown): Report {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return { type: "failed", code: typeof code === "string" ? code : undefined, message };
}
