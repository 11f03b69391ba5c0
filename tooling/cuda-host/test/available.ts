import { test } from "vitest";
import { missingCompiler } from "../build.mjs";

const missing = missingCompiler();

/** True when a stand-in can be built here. */
export const available = missing === undefined;

/** Reports the tests of a file as skipped, or fails when they are required. */
export function skipAll(what: string): void {
  const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("cuda-host");
  if (required) throw new Error(missing);
  test.skip(`${what} (${missing ?? ""})`, () => undefined);
}

export const schedules = ["in-order", "reverse", "warp-depth-first", "random-stalls"] as const;

export type Schedule = (typeof schedules)[number];
