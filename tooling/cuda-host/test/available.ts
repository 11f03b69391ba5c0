import { test } from "vitest";
import { missingCompiler } from "../build.mjs";

const missing = missingCompiler();

/** Whether a stand-in can be built here. */
export const available = missing === undefined;

/** Stands in the report for the tests of a file that cannot run; where they are required, they fail. */
export function skipAll(what: string): void {
  const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("cuda-host");
  if (required) throw new Error(missing);
  test.skip(`${what} (${missing ?? ""})`, () => undefined);
}

export const schedules = ["in-order", "reverse", "warp-depth-first", "random-stalls"] as const;

export type Schedule = (typeof schedules)[number];
