import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluateNgram, stories, trainNgram } from "@mamba/tasks";
import type { Evaluation } from "@mamba/train";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";
import { Stop } from "../program/errors.ts";

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-train-"));
});
afterAll(() => rm(base, { recursive: true }));

/** Flags of a run of about a second. */
const quick = ["--length=12", "--d-model=16", "--layers=1", "--batch-size=4"];

async function steps(folder: string): Promise<number[]> {
  return (await log(folder)).map(({ step }) => step);
}

/** The lines of the log, without how fast it went. */
async function log(folder: string) {
  const lines = (await readFile(join(folder, "log.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => {
    const parsed = JSON.parse(line) as { step: number; tokensPerSecond?: number; evaluation?: Evaluation };
    const { tokensPerSecond: _, ...event } = parsed;
    return event;
  });
}

test("trains, logs, and writes a checkpoint that eval, generate and train take", async () => {
  const folder = join(base, "induction");
  const trained = join(folder, "model");
  const out = await run(["train", "induction", "--out", folder, "--steps=5", ...quick]);
  expect(out).toMatchObject({ code: 0, stdout: "" });
  expect(out.stderr).toMatch(/^step 1\/5 {2}loss \d\.\d{4} {2}norm .* tokens\/s {2}\d+ s left\n/);
  expect(out.stderr).toMatch(/step 5\/5 .* done\nwrote .*model\n$/);
  expect(await steps(folder)).toEqual([1, 2, 3, 4, 5]);
  expect((await readdir(trained)).sort()).toEqual(["config.json", "model.safetensors"]);
  expect(await readFile(join(folder, "loss.svg"), "utf8")).toContain(">5</text>"); // the last step
  const config = JSON.parse(await readFile(join(trained, "config.json"), "utf8")) as unknown;
  expect(config).toMatchObject({ hidden_size: 16, num_hidden_layers: 1, vocab_size: 16 });

  const result = await run(["eval", "induction", "-m", trained, "--length=8..32", "--examples=5", "--json"]);
  expect(result).toMatchObject({ code: 0 });
  const { results } = JSON.parse(result.stdout) as { results: Record<string, number>[] };
  expect(results.map(({ length, targets, examples }) => ({ length, targets, examples }))).toEqual(
    [8, 16, 32].map((length) => ({ length, targets: 5, examples: 5 })),
  );
  for (const { loss, perplexity, accuracy } of results) {
    expect(perplexity).toBeCloseTo(Math.exp(loss!), 6);
    expect(accuracy).toBeLessThanOrEqual(1);
  }

  const on = join(base, "on");
  const again = await run([
    "train",
    "induction",
    "--out",
    on,
    "--model",
    trained,
    "--steps=2",
    "--length=12",
  ]);
  expect(again.code).toBe(0);
  expect(await steps(on)).toEqual([1, 2]);
});

test("equal command lines give equal bits, also when one was interrupted and resumed", async () => {
  const whole = join(base, "whole");
  const parts = join(base, "parts");
  const args = ["selective-copying", "--tokens=3", "--steps=40", "--save-every=30", "--seed=7", ...quick];
  expect((await run(["train", ...args, "--out", whole])).code).toBe(0);

  const controller = new AbortController();
  // Once the log is there, at least one step is done.
  const first = run(["train", ...args, "--out", parts], { signal: controller.signal });
  const watch = setInterval(() => {
    void readFile(join(parts, "log.jsonl")).then(
      () => controller.abort(new Stop("interrupted", 130)),
      () => undefined,
    );
  }, 1);
  const interrupted = await first;
  clearInterval(watch);
  expect(interrupted.code).toBe(130);
  const done = (await steps(parts)).length;
  expect(done).toBeLessThan(40);

  const refused = await run(["train", ...args, "--out", parts]);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("--resume continues it [EXISTS]");
  const other = await run(["train", ...args, "--lr=0.5", "--out", parts, "--resume"]);
  expect(other.stderr).toMatch(/training\.lr 0\.003, this one 0\.5 \[RESUME\]\n$/);

  const resumed = await run(["train", ...args, "--out", parts, "--resume"]);
  expect(resumed.code).toBe(0);
  expect(resumed.stderr).toMatch(new RegExp(`^continuing after step ${done}\n`));
  expect(await log(parts)).toEqual(await log(whole));
  for (const file of ["state.safetensors", "model/model.safetensors"]) {
    expect((await readFile(join(parts, file))).equals(await readFile(join(whole, file)))).toBe(true);
  }
  expect(await steps(parts)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test("layers of a config file: trains, resumes to equal bits, and eval and train read the model", async () => {
  const config = join(base, "layers.json");
  const layers = [
    { mixer: { kind: "mamba3", headDim: 8, dState: 4 }, ffn: { kind: "mlp", dHidden: 24 } },
    {
      mixer: [
        { kind: "mamba2", headDim: 8, dState: 4 },
        { kind: "attention", heads: 2 },
      ],
      residualScale: 0.5,
    },
  ];
  const data = { length: 12, pairs: 3, vocabSize: 16 };
  const training = { steps: 6, batchSize: 4 };
  await writeFile(config, JSON.stringify({ task: "recall", data, model: { dModel: 16, layers }, training }));
  const [whole, parts] = ["layers", "layers-parts"].map((name) => join(base, name)) as [string, string];
  const args = ["train", "--config", config, "--save-every=3", "--warmup-steps=1", "--schedule=constant"];
  expect(await run([...args, "--out", whole])).toMatchObject({ code: 0, stdout: "" });
  expect((await run([...args, "--steps=3", "--out", parts])).code).toBe(0);
  const resumed = await run([...args, "--resume", "--out", parts]);
  expect(resumed.stderr).toMatch(/^continuing after step 3\n/);
  for (const file of ["state.safetensors", "model/config.json", "model/model.safetensors"]) {
    expect((await readFile(join(parts, file))).equals(await readFile(join(whole, file)))).toBe(true);
  }
  const other = { dModel: 16, layers: layers.map((layer) => ({ ...layer, residualScale: 0.25 })) };
  await writeFile(config, JSON.stringify({ task: "recall", data, model: other, training }));
  expect((await run([...args, "--resume", "--out", parts])).stderr).toContain("[RESUME]");

  const model = join(whole, "model");
  const found = await run(["eval", "recall", "-m", model, "--length=12,20", "--pairs=3", "--examples=4"]);
  expect(found).toMatchObject({ code: 0 });
  const on = ["train", "recall", "--length=12", "--pairs=3", "--vocab-size=16", "--steps=1"];
  expect((await run([...on, "--model", model, "--out", join(base, "layers-on")])).code).toBe(0);
});

test("held-out examples are evaluated during a run, and the run does not depend on it", async () => {
  const args = ["train", "induction", "--steps=12", ...quick];
  const [plain, whole, parts] = ["plain", "evaluated", "evaluated-parts"].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  const evaluate = ["--eval-every=5", "--eval-examples=6", "--save-every=1"];
  expect((await run([...args, "--out", plain])).code).toBe(0);
  const { stderr } = await run([...args, ...evaluate, "--out", whole]);
  expect(stderr).toMatch(/^step 5: held out \d\.\d{4}, accuracy \d+\.\d\d %$/m);
  expect(stderr).toMatch(/step 12\/12 {2}loss \d\.\d{4} {2}held out \d\.\d{4} /);
  const evaluations = (await log(whole)).filter(({ evaluation }) => evaluation);
  expect(evaluations.map(({ step }) => step)).toEqual([5, 10, 12]);
  expect((await log(whole)).filter(({ evaluation }) => !evaluation)).toEqual(await log(plain));
  expect(await readFile(join(whole, "loss.svg"), "utf8")).toContain(">held out</text>");

  // The last evaluation equals that of eval with the same seed.
  const model = join(whole, "model");
  const found = await run(["eval", "induction", "-m", model, "--length=12", "--examples=6", "--json"]);
  const { results } = JSON.parse(found.stdout) as { results: [Evaluation] };
  expect(evaluations.at(-1)!.evaluation!.loss).toBeCloseTo(results[0].loss, 5);
  expect(evaluations.at(-1)!.evaluation).toMatchObject({ examples: 6, targets: 6 });

  // Stopped during the first evaluation, which is then not in the log, and resumed: nothing is missing.
  const controller = new AbortController();
  const watch = setInterval(() => {
    void readFile(join(parts, "log.jsonl"), "utf8").then(
      (text) => text.split("\n").length > 5 && controller.abort(new Stop("interrupted", 130)),
      () => undefined,
    );
  }, 1);
  await run([...args, ...evaluate, "--out", parts], { signal: controller.signal });
  clearInterval(watch);
  expect((await run([...args, ...evaluate, "--out", parts, "--resume"])).code).toBe(0);
  expect(await log(parts)).toEqual(await log(whole));
  for (const file of ["state.safetensors", "model/model.safetensors"]) {
    const [a, b, c] = await Promise.all([plain, whole, parts].map((folder) => readFile(join(folder, file))));
    expect(b!.equals(a!)).toBe(true);
    expect(c!.equals(a!)).toBe(true);
  }
});

test("text and token files, through a config file", async () => {
  const text = join(base, "text.txt");
  await writeFile(text, "to be or not to be, that is the question. ".repeat(20));
  const folder = join(base, "text");
  const recipe = join(base, "recipe.json");
  await writeFile(
    recipe,
    JSON.stringify({
      task: "text",
      data: { path: text, length: 32 },
      model: { dModel: 16, nLayers: 1 },
      training: { steps: 12, lr: 0.01, batchSize: 4, warmupSteps: 2 },
    }),
  );
  expect((await run(["train", "--config", recipe, "--out", folder])).code).toBe(0);
  const result = await run(["eval", "text", "-m", join(folder, "model"), "--data", text, "--length=32"]);
  const [head, row] = result.stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(head).toEqual(["length", "examples", "targets", "loss", "perplexity", "accuracy", "time"]);
  expect(row!.slice(0, 3)).toEqual(["32", "26", "832"]);
  expect(Number(row![3])).toBeLessThan(Math.log(256) - 1);

  const tokens = join(base, "tokens.jsonl");
  await writeFile(tokens, "[1,2,3,4]\n[2,3,4,5]\n");
  const args = ["train", "tokens", "--data", tokens, "--steps=2", ...quick, "--out", join(base, "tokens")];
  expect((await run([...args])).stderr).toContain("tokens for a new model needs --vocab-size [USAGE]");
  expect((await run([...args, "--vocab-size=9"])).code).toBe(0);
  const model = join(base, "tokens", "model");
  const found = await run(["eval", "tokens", "-m", model, "--data", tokens, "--length=3", "--json"]);
  expect(JSON.parse(found.stdout)).toMatchObject({ results: [{ examples: 2, targets: 6 }] });
});

test("stories are made as they are needed, and others are held out", async () => {
  const folder = join(base, "stories");
  const shape = ["--length=64", "--d-model=16", "--layers=1", "--batch-size=4"];
  const args = ["train", "stories", "--out", folder, "--steps=12", "--lr=0.02", "--warmup-steps=1", ...shape];
  expect((await run(args)).code).toBe(0);
  const config = JSON.parse(await readFile(join(folder, "model", "config.json"), "utf8")) as unknown;
  expect(config).toMatchObject({ vocab_size: 256, eos_token_id: 10 }); // a story ends with a newline
  const evaluate = ["eval", "stories", "-m", join(folder, "model"), "--length=64", "--examples=8", "--json"];
  const [held, known] = [await run(evaluate), await run([...evaluate, "--seed=0"])].map(
    ({ stdout }) => (JSON.parse(stdout) as { results: { loss: number; targets: number }[] }).results[0],
  );
  expect(held).toMatchObject({ targets: 512 });
  expect(held!.loss).toBeLessThan(Math.log(256) - 1);
  expect(held!.loss).not.toBe(known!.loss);

  // Counts the examples of the training, and is evaluated on the examples of the evaluation.
  const beside = [...evaluate, "--baseline=ngram", "--baseline-examples=48", "--baseline-order=3"];
  const { baselineOrder, results } = JSON.parse((await run(beside)).stdout) as {
    baselineOrder: number;
    results: [{ loss: number; baseline: Evaluation }];
  };
  const ngram = await trainNgram(stories({ length: 64 }), { order: 3, examples: 48 });
  const counted = await evaluateNgram(ngram, stories({ length: 64, seed: 1 }), { examples: 8 });
  expect({ baselineOrder, loss: results[0].loss }).toEqual({ baselineOrder: 3, loss: held!.loss });
  expect(results[0].baseline).toMatchObject(counted);
  const shown = (await run(beside.filter((flag) => flag !== "--json"))).stdout.split("\n");
  expect(shown.slice(0, 3).map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
    "length",
    "model",
    "3-gram",
  ]);
  expect(shown[2]).toContain(counted.loss.toFixed(4));

  const refused = await run([...args, "--vocab-size=100", "--resume"]);
  expect(refused.stderr).toContain("the vocabulary of stories is the 256 bytes [USAGE]");
});

test("a run that is done is written again when it is resumed, also without its log", async () => {
  const folder = join(base, "done");
  const args = ["train", "induction", "--out", folder, "--steps=2", ...quick];
  expect((await run(args)).code).toBe(0);
  const weights = join(folder, "model", "model.safetensors");
  const before = await readFile(weights);
  await rm(join(folder, "log.jsonl"));
  await rm(weights);
  const again = await run([...args, "--resume"]);
  expect(again).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^continuing after step 2\nwrote /) as string,
  });
  expect((await readFile(weights)).equals(before)).toBe(true);
});

test("on a terminal one line is rewritten", async () => {
  const args = ["train", "induction", "--out", join(base, "tty"), "--steps=3", ...quick];
  const { stderr } = await run(args, { isTTY: true });
  const [line = "", ...below] = stderr.trimEnd().split("\n");
  const [before, ...versions] = line.split("\r\u001B[K");
  expect(before).toBe("");
  expect(versions[0]).toMatch(/^step 1\/3 /);
  expect(versions.at(-1)).toMatch(/^step 3\/3 .*done$/);
  expect(below).toHaveLength(12); // the curve
  expect(below.at(-1)).toMatch(/^wrote /);
});

test("a learning rate that is far too large ends with an error and the last good state", async () => {
  const folder = join(base, "hot");
  const args = ["train", "induction", "--out", folder, "--steps=60", "--lr=1000", "--save-every=1", ...quick];
  const { code, stderr } = await run([...args, "--warmup-steps=0"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /nothing was updated: .* \[NON_FINITE\]\n$|not finite after step .* \[NON_FINITE\]\n$/,
  );
  expect(await readdir(folder)).toContain("state.safetensors");
});
