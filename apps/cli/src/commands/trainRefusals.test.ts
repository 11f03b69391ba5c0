import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";

// Command lines and files that train and eval refuse.

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-refusals-"));
});
afterAll(() => rm(base, { recursive: true }));

/** Flags of a run of about a second. */
const quick = ["--length=12", "--d-model=16", "--layers=1", "--batch-size=4"];

test.each([
  [["train", "poetry"], "<task> must be induction, selective-copying, recall, parity, stories, text, tokens"],
  [["train"], "name a task"],
  [["train", "text"], "text needs --data <file>"],
  [["train", "induction", "--data=x"], "induction generates its own data"],
  [["train", "induction", "--steps=0"], "--steps must be a whole number, at least 1"],
  [["train", "induction", "--lr=-1"], "--lr must be a number, at least 0"],
  [["train", "induction", "--schedule=step"], "--schedule must be constant, linear, cosine"],
  [["train", "induction", "--tokens=3"], "induction has no field tokens"],
  [["train", "induction", "--eval-examples=3"], "--eval-data and --eval-examples need --eval-every"],
  [["train", "text", "--data=package.json", "--eval-every=3"], "--eval-every needs --eval-data <file>"],
  [["train", "induction", "--eval-every=3", "--eval-data=f"], "induction generates its own data"],
  [["train", "induction", "--eval-every=0"], "--eval-every must be a whole number, at least 1"],
  [["train", "induction", "--model=m", "--layers=2"], "leave --d-model, --layers and `model` out"],
])("%j", async (args, message) => {
  const { code, stderr } = await run([...args, "--out", join(base, "refused")]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) as string });
});

test.each([
  [["eval", "poetry", "-m", "x"], "<task> must be"],
  [["eval", "induction", "-m", "x", "--length=4..2"], "--length must be like 256"],
  [["eval", "induction", "-m", "x", "--examples=0"], "--examples must be"],
  [["eval", "induction"], "--model is missing"],
  [["eval", "text", "-m", "x", "--data=f", "--baseline=ngram"], "--baseline needs --baseline-data <file>"],
  [["eval", "stories", "-m", "x", "--baseline=ngram", "--baseline-data=f"], "leave --baseline-data out"],
  [["eval", "stories", "-m", "x", "--baseline=wish"], "--baseline must be ngram"],
])("%j", async (args, message) => {
  const { code, stderr } = await run(args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) as string });
});

test("a config field that does not exist, and data that is not there", async () => {
  const recipe = join(base, "wrong.json");
  await writeFile(recipe, JSON.stringify({ task: "induction", training: { learningRate: 1 } }));
  const train = (...args: string[]) => run(["train", "--out", join(base, "refused"), ...args]);
  expect((await train("--config", recipe)).stderr).toContain(
    "there is no training field learningRate [CONFIG]",
  );
  await writeFile(recipe, JSON.stringify({ task: "induction", model: { width: 1 } }));
  expect((await train("--config", recipe)).stderr).toContain(
    'config: there is no field "width"; the fields are ',
  );
  const layers = [{ mixer: { kind: "attention", heads: 2 } }, { mixer: { kind: "atention" } }];
  await writeFile(recipe, JSON.stringify({ task: "induction", model: { layers } }));
  expect((await train("--config", recipe)).stderr).toContain(
    'model: layers[1]: mixer: there is no module of the kind "atention"; did you mean attention? [CONFIG]',
  );
  await writeFile(recipe, JSON.stringify({ task: "induction", model: { layers: layers.slice(0, 1) } }));
  expect((await train("--config", recipe, "--layers=2")).stderr).toContain(
    "nLayers must be the number of layers, 1, got 2 [CONFIG]",
  );
  expect((await train("text", "--data", join(base, "none"))).stderr).toContain("[DATA]");
  await writeFile(join(base, "short"), "abc");
  const short = await train("text", "--data", join(base, "short"));
  expect(short.stderr).toContain("the file has 3 bytes, an example of length 256 needs 257 [DATA]");
});

test("data that is empty or too long, and ids that the model does not have", async () => {
  const model = join(base, "refusals", "model");
  const made = await run(["train", "induction", "--out", join(base, "refusals"), "--steps=1", ...quick]);
  expect(made.code).toBe(0); // a vocabulary of 16
  const file = async (name: string, content: string) => {
    await writeFile(join(base, name), content);
    return join(base, name);
  };
  const empty = await file("empty", "");
  const text = await file("some.txt", "to be or not to be ".repeat(30));
  const tokens = await file("long.jsonl", "[1,2,3]\n[1,2,3,4,5,6]\n");
  const high = await file("high.jsonl", "[1,2]\n[3,16]\n");
  for (const [args, message] of [
    [["text", "--data", empty], "empty: the file is empty [DATA]"],
    [["tokens", "--data", empty, "--vocab-size=9"], "empty: the file has no examples [DATA]"],
    [
      ["tokens", "--data", tokens, "--vocab-size=9", "--length=4"],
      "line 2: an example has at most length + 1 = 5 ids, got 6",
    ],
    [
      ["tokens", "--data", high, "--model", model],
      "line 2: ids must be whole numbers from 0 to 15, got 16 [DATA]",
    ],
    [["induction", "--vocab-size=32", "--model", model], "has a vocabulary of 32, the model of 16 [DATA]"],
  ] as const) {
    const { code, stderr } = await run(["train", ...args, "--out", join(base, "refused"), "--steps=1"]);
    expect({ args, code, stderr }).toEqual({
      args,
      code: 1,
      stderr: expect.stringContaining(message) as string,
    });
  }
  // The model was trained on ids, and says nothing about text.
  for (const args of [
    ["train", "text", "--data", text, "--model", model, "--out", join(base, "refused")],
    ["train", "stories", "--model", model, "--out", join(base, "refused")],
    ["eval", "text", "--data", text, "-m", model],
    ["generate", "hello", "-m", model],
  ]) {
    const { code, stderr } = await run(args);
    expect({ args, code, stderr }).toEqual({
      args,
      code: 2,
      stderr: expect.stringMatching(
        /the model cannot read \w+: the checkpoint has no tokenizer\.json/,
      ) as string,
    });
  }
  const answer = await run(["generate", "--prompt-ids=1,2", "-m", model, "--max-tokens=5"]);
  expect(answer).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+(,\d+){4}\n$/) as string });
  for (const [args, message] of [
    [["tokens", "--data", high], "line 2: ids must be whole numbers from 0 to 15, got 16 [DATA]"],
  ] as const) {
    const { code, stderr } = await run(["eval", ...args, "-m", model]);
    expect({ args, code, stderr }).toEqual({
      args,
      code: 1,
      stderr: expect.stringContaining(message) as string,
    });
  }
});

test("a folder that a running process has", async () => {
  const folder = join(base, "taken");
  await mkdir(folder);
  await writeFile(join(folder, "lock"), JSON.stringify({ pid: process.ppid, host: hostname(), id: "x" }));
  const args = ["train", "induction", "--out", folder, "--steps=1", ...quick];
  const { code, stderr } = await run(args);
  expect(code).toBe(1);
  expect(stderr).toContain(`taken: in use by process ${process.ppid} [IN_USE]`);
  await rm(join(folder, "lock"));
  expect((await run(args)).code).toBe(0);
  expect(await readdir(folder)).not.toContain("lock");
});
