import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mamba } from "./spawn.ts";

// The built program in processes of its own: what only a process can show.

let base: string;
let model: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-process-"));
  model = join(base, "tiny");
  expect(await mamba(["init", "tiny", model])).toMatchObject({ code: 0, stdout: "" });
});
afterAll(() => rm(base, { recursive: true, force: true }));

test("a state saved in one process continues to the same text in another", async () => {
  const state = join(base, "state");
  const sampling = ["--model", model, "--seed=11", "--top-k=40"];
  const whole = await mamba(["generate", "Once upon a time", ...sampling, "--max-tokens=32"]);
  const first = await mamba([
    ...["generate", "Once upon a time", ...sampling],
    ...["--max-tokens=12", "--save-state", state],
  ]);
  const rest = await mamba(["generate", ...sampling, "--max-tokens=20", "--load-state", state]);
  expect([whole.code, first.code, rest.code]).toEqual([0, 0, 0]);
  expect(whole.stdout.length).toBeGreaterThan(16);
  expect(first.stdout.slice(0, -1) + rest.stdout).toBe(whole.stdout);
});

test("Ctrl-C ends a generation cleanly: partial text, saved state, exit code 130", async () => {
  const state = join(base, "interrupted");
  let sent = false;
  const { code, signal, stdout, stderr } = await mamba(
    ["generate", "Hello", "--model", model, "--max-tokens=1000000", "--save-state", state],
    {},
    (child) => {
      if (!sent) child.kill("SIGINT");
      sent = true;
    },
  );
  expect({ code, signal }).toEqual({ code: 130, signal: null });
  expect(stdout.length).toBeGreaterThan(1);
  expect(stderr.split("\n").at(-2)).toBe("mamba: interrupted");
  expect((await readFile(state)).subarray(0, 8).toString()).toBe("MAMBASTA");
});

test("a reader that goes away ends the program without a complaint", async () => {
  const { code, stderr } = await mamba(
    ["generate", "Hello", "--model", model, "--max-tokens=1000000"],
    {},
    (child) => child.stdout?.destroy(),
  );
  expect(code).toBe(141);
  expect(stderr).not.toContain("mamba:");
});
