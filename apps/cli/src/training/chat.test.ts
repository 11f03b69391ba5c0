import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chatMl, writeChatTokenizer } from "../../test/chatTokenizer.ts";
import { run } from "../../test/run.ts";

let base: string;
let env: Record<string, string>;
let data: string;
let model: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-train-chat-"));
  env = { XDG_CACHE_HOME: join(base, "cache") };
  await writeChatTokenizer(base);
  data = join(base, "messages.jsonl");
  const messages = (i: number) => [
    { role: "user", content: `Number ${i}?` },
    { role: "assistant", content: `It is ${i}.` },
  ];
  const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ messages: messages(i) }));
  await writeFile(data, lines.join("\n"));
  model = join(base, "new/model");
});
afterAll(() => rm(base, { recursive: true }));

interface LogLine {
  step: number;
  loss?: number;
  evaluation?: { loss: number; accuracy: number };
  samples?: { prompt: string; expected: string; answer: string }[];
}

async function log(folder: string): Promise<LogLine[]> {
  const text = await readFile(join(folder, "log.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const { tokensPerSecond: _, ...event } = JSON.parse(line) as LogLine & { tokensPerSecond?: number };
      return event;
    });
}

const train = (...args: string[]) => run(["train", "chat", "--data", data, "--threads=1", ...args], { env });
/** A new model of a quick run. */
const small = () => ["--tokenizer", base, "--d-model=16", "--layers=1", "--length=64", "--batch-size=4"];

test("a new model: held-out conversations are evaluated and answered as it goes, and the template is with the model", async () => {
  const out = join(base, "new");
  const result = await train("--out", out, ...small(), "--steps=20", "--eval-every=10");
  expect(result).toMatchObject({ code: 0, stdout: "" });
  expect(result.stderr).toContain(`${data}: 40 conversations, 40 answers,`);
  expect(result.stderr).toMatch(
    /step 20: held out \d\.\d{4}, accuracy .*\n {2}> Number \d+\?\n {4}.*\(expected: It is \d+\.\)\n/,
  );
  expect(result.stderr).toMatch(/wrote .*model\ntalk to it: mamba chat -m .*model\n$/);
  const evaluations = (await log(out)).filter(({ evaluation }) => evaluation);
  expect(evaluations.map(({ step }) => step)).toEqual([10, 20]);
  expect(evaluations.at(-1)!.evaluation!.loss).toBeLessThan(evaluations[0]!.evaluation!.loss);
  for (const { samples } of evaluations) {
    expect(samples).toHaveLength(2);
    for (const { prompt, expected } of samples!)
      expect(expected).toBe(prompt.replace(/^Number (\d+)\?$/, "It is $1."));
  }
  expect((await readdir(model)).sort()).toEqual([
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
});

test("a checkpoint: an adapter by default, which resumes to equal bits; eval measures the answers", async () => {
  const [whole, parts] = [join(base, "lora"), join(base, "lora-parts")];
  const args = ["--model", model, "--length=64", "--lr=0.01", "--schedule=constant", "--warmup-steps=1"];
  expect((await train("--out", whole, "--steps=6", ...args)).code).toBe(0);
  const config = JSON.parse(await readFile(join(whole, "adapter/adapter_config.json"), "utf8")) as object;
  expect(config).toMatchObject({ r: 16, lora_alpha: 32, base_model_name_or_path: model });
  expect((await train("--out", parts, ...args, "--steps=2")).code).toBe(0);
  expect((await train("--out", parts, "--steps=6", ...args, "--resume")).stderr).toContain(
    "continuing after step 2\n",
  );
  const file = "adapter/adapter_model.safetensors";
  expect((await readFile(join(parts, file))).equals(await readFile(join(whole, file)))).toBe(true);
  const other = await train("--out", parts, "--steps=6", ...args, "--resume", "--held-out=0.2");
  expect(other.stderr).toMatch(/to train on \(32 of 40, seed 0\).* \[RESUME\]\n$/);

  const loss = async (...adapter: string[]) => {
    const flags = ["--data", data, "--length=64", "--examples=40", "--json", ...adapter];
    const { stdout } = await run(["eval", "chat", "-m", model, ...flags], { env });
    return (JSON.parse(stdout) as { results: [{ loss: number; targets: number }] }).results[0];
  };
  const [before, after] = [await loss(), await loss("--adapter", join(whole, "adapter"))];
  expect(before.targets).toBe(40 * "It is .".length + 70 + 40); // digits, and the token at the end
  expect(after.loss).toBeLessThan(before.loss);
});

test("--full trains all weights, by a config file, with another template that is kept with the model", async () => {
  const [out, config, template] = [join(base, "full"), join(base, "recipe.json"), join(base, "own.jinja")];
  await writeFile(template, `{# own #}${chatMl}`);
  const recipe = {
    task: "chat",
    data: { path: data, length: 64, heldOut: 0, template, skipDamaged: true },
    training: { epochs: 0.5, batchSize: 10 },
  };
  await writeFile(config, JSON.stringify(recipe));
  const args = ["train", "--config", config, "--out", out, "--full", "--threads=1"];
  expect(await run([...args, "--model", model], { env })).toMatchObject({ code: 0, stdout: "" });
  expect((await log(out)).map(({ step, evaluation }) => [step, evaluation])).toEqual([
    [1, undefined],
    [2, undefined],
  ]);
  expect(await readFile(join(out, "model/chat_template.jinja"), "utf8")).toContain("{# own #}");
  const adapted = join(base, "own-lora");
  const lora = ["--model", model, "--template", template, "--length=64", "--epochs=0.1", "--held-out=0"];
  const { stderr } = await train("--out", adapted, ...lora);
  expect(stderr).toMatch(/mamba chat -m .*adapter\n$/);
  expect(await readFile(join(adapted, "adapter/chat_template.jinja"), "utf8")).toContain("{# own #}");
});

test.each([
  [[], "chat for a new model needs --tokenizer <folder>"],
  [["--model", "m", "--full", "--lora=4"], "--full trains all weights, --lora an adapter"],
  [["--tokenizer", ".", "--steps=3", "--epochs=1"], "give steps or epochs, not both"],
  [["--tokenizer", ".", "--pairs=3"], "chat has no field pairs"],
  [["--held-out=0", "--eval-every=3"], "--eval-every and --eval-examples need --held-out"],
] as const)("refuses %j", async (args, message) => {
  const result = await train(
    "--out",
    join(base, "refused"),
    ...args.map((arg) => (arg === "." ? base : arg)),
  );
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
});
