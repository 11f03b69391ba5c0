import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "./run.ts";

// The built program in processes of its own: what only a process can show.

let base: string;
let model: string;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program; `watch` sees each piece of stdout, and may send signals or close the pipe. */
function mamba(args: readonly string[], watch?: (child: ReturnType<typeof spawn>, text: string) => void) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const written = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      written.stdout += text;
      watch?.(child, text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (written.stderr += text));
    child.on("error", reject).on("close", (code, signal) => resolve({ code, signal, ...written }));
  });
}

beforeAll(async () => {
  if (!existsSync(main)) throw new Error(`${main} is missing: build the package first (pnpm build)`);
  base = await mkdtemp(join(tmpdir(), "mamba-process-"));
  model = join(base, "tiny");
  expect(await mamba(["init", "tiny", model])).toMatchObject({ code: 0, stdout: "" });
});
afterAll(() => rm(base, { recursive: true, force: true }));

test("a state saved in one process goes on to the same text in another", async () => {
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
    (child) => child.stdout?.destroy(),
  );
  expect(code).toBe(141);
  expect(stderr).not.toContain("mamba:");
});
