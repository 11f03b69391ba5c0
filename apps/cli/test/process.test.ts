import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
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
    {
      onStdout: (child) => {
        if (!sent) child.kill("SIGINT");
        sent = true;
      },
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
    { onStdout: (child) => child.stdout?.destroy() },
  );
  expect(code).toBe(141);
  expect(stderr).not.toContain("mamba:");
});

const training = ["train", "induction", "--length=16", "--d-model=16", "--layers=1", "--batch-size=2"];

test("a reader of stderr that goes away does not stop a training run", async () => {
  const out = join(base, "unread");
  const { code, signal } = await mamba(
    [...training, "--steps=20", "--out", out],
    {},
    { onStderr: (child) => child.stderr?.destroy() },
  );
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(await readdir(join(out, "model"))).toContain("model.safetensors");
});

test("a closed terminal (SIGHUP) saves the state of a training run", async () => {
  const out = join(base, "closed");
  let sent = false;
  const { code, signal, stderr } = await mamba(
    [...training, "--steps=100000", "--out", out],
    {},
    {
      onStderr: (child) => {
        if (!sent) child.kill("SIGHUP");
        sent = true;
      },
    },
  );
  expect({ code, signal }).toEqual({ code: 129, signal: null });
  expect(stderr.split("\n").at(-2)).toBe("mamba: the terminal was closed");
  const resumed = await mamba(
    [...training, "--steps=100000", "--out", out, "--resume"],
    {},
    {
      onStderr: (child) => {
        child.kill("SIGHUP");
      },
    },
  );
  expect(resumed.stderr).toMatch(/^continuing after step [1-9]\d*$/m);
});

const full = existsSync("/dev/full") ? test : test.skip;
full(
  `output that cannot be written ends in one line, with the state saved${existsSync("/dev/full") ? "" : " (no /dev/full)"}`,
  async () => {
    const state = join(base, "full");
    const { code, stderr } = await mamba(
      ["generate", "Hello", "--model", model, "--max-tokens=1000000", "--save-state", state],
      {},
      { stdout: "/dev/full" },
    );
    expect(code).toBe(1);
    expect(stderr.split("\n").at(-2)).toMatch(/^mamba: the output cannot be written: ENOSPC/);
    expect((await readFile(state)).length).toBeGreaterThan(0);
  },
);
