import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run } from "./run.ts";
import { root } from "./workspace.mjs";

// Every example runs as a user starts it, in a folder of its own, and reaches what it is there to show.

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mamba-examples-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The number that follows `text` in the output. */
function numberAfter(output: string, text: string): number {
  const found = output.split(text)[1];
  expect(found, `${text} in: ${output}`).toBeDefined();
  return Number.parseFloat(found ?? "");
}

/** By folder: what its output must show. */
const checks: Readonly<Record<string, (output: string) => void>> = {
  "classify-images": (output) => {
    expect(numberAfter(output, "held out: accuracy ")).toBeGreaterThan(0.9);
    expect(numberAfter(output, "checks: '")).toBeGreaterThan(0.5);
  },
  "forecast-series": (output) => {
    const error = numberAfter(output, "mean absolute error ");
    expect(error).toBeLessThan(0.7 * numberAfter(output, "persistence "));
    expect(output).toMatch(/day 7: \d+ \(\d+ to \d+\)/);
  },
  "dna-tokens": (output) => {
    expect(numberAfter(output, "packed rows hold ")).toBeGreaterThan(1.2);
    expect(numberAfter(output, "held out: accuracy ")).toBeGreaterThan(0.9);
    expect(numberAfter(output, "probability of the motif: ")).toBeGreaterThan(0.5);
  },
  "custom-loss": (output) => {
    const quiet = numberAfter(output, "quiet standard deviation ");
    expect(quiet).toBeLessThan(0.5 * numberAfter(output, "loud standard deviation "));
  },
  "finetune-lora": (output) => {
    expect(output.split("\n").find((line) => line.startsWith("after"))).toContain("in time saves nine.");
  },
  "resume-anywhere": (output) => {
    expect(output).toContain("\nequal to the text that was never stopped");
  },
};

// chatPage.test.ts has the example of a page.
const names = readdirSync(`${root}examples`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["node_modules", "chat-page"].includes(entry.name))
  .map(({ name }) => name);

it("every example has a check", () => expect(names).toEqual(Object.keys(checks).sort()));

it.each(names)("%s does what its text says, in less than 60 lines", { timeout: 120_000 }, async (name) => {
  const path = `${root}examples/${name}/main.js`;
  expect(readFileSync(path, "utf8").split("\n").length - 1).toBeLessThan(60);
  checks[name]?.(await run(folder, process.execPath, [path]));
});
