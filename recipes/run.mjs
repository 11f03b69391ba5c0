import { spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// `node recipes/run.mjs <name> [threads]` trains a recipe again, and writes model, logs, curves and results over those
// that are committed here. The runs are kept in node_modules/.cache: one that was stopped goes on where it was.

process.chdir(fileURLToPath(new URL("..", import.meta.url))); // results name the models by paths within this repository
const here = "recipes";
const cli = "apps/cli/dist/main.js";
const cache = "node_modules/.cache/mamba/recipes";
const [name = "", threads] = process.argv.slice(2);

/** @type {Record<string, () => void | Promise<void>>} */
const recipes = {
  induction() {
    train(["short", "full"], []);
    const sweep = ["--length", "64..1048576", "--examples", "16", "--batch-size", "16"];
    keep("full", [], ["induction", ...sweep]);
  },
  "selective-copying"() {
    for (const run of ["selective", "fixed"]) {
      train([`${run}-start`, run], []);
      keep(run, [], ["selective-copying", "--length", "256", "--tokens", "16", "--examples", "256"]);
    }
  },
  stories() {
    train(["start", "demo"], ["--eval-every", "200", "--eval-examples", "16"]);
    // The counts see as many examples as the model saw: 3600 steps of four. The longest order that helps is taken.
    const baseline = ["--baseline", "ngram", "--baseline-order", "12", "--baseline-examples", "14400"];
    const judged = ["stories", "--length", "1024", "--examples", "256", ...baseline];
    keep("demo", ["--type", "f16"], judged);
  },
  recall() {
    for (const run of ["hybrid", "mamba2", "mamba1"]) {
      train([run], []);
      keep(run, [], ["recall", "--length", "64", "--pairs", "16", "--examples", "256"]);
    }
  },
  parity() {
    for (const run of ["mamba3", "mamba2", "mamba1"]) {
      train([`${run}-40`, `${run}-128`, `${run}-256`, run], []);
      // Examples of a seed that chose nothing: the stages were chosen on examples of the default seed.
      keep(run, [], ["parity", "--length", "64..4096", "--examples", "64", "--seed", "4242"]);
    }
  },
  async digits() {
    const { evaluateBaselines, prepareDigits } = await import("./digits/prepare.mjs");
    prepareDigits(join(cache, name));
    evaluateBaselines();
    const held = join(cache, name, "held-out-images.idx");
    trainSeeds("vision", ["images", "--data", held, "--batch-size", "50"]);
  },
  async weather() {
    const { evaluateBaselines, prepareWeather } = await import("./weather/prepare.mjs");
    prepareWeather(join(cache, name));
    evaluateBaselines();
    trainSeeds("forecast", ["series", "--data", join(here, name, "held-out.csv")]);
  },
  async chat() {
    const { prepareChat, prepareInstructions } = await import("./chat/prepare.mjs");
    const { evaluateChat } = await import("./chat/evaluate.mjs");
    const folder = join(cache, name);
    prepareChat(folder, printCorpus);
    const evaluation = ["--eval-data", join(folder, "evaluation.jsonl"), "--eval-every", "500"];
    const first = ["--tokenizer", join(folder, "tokenizer")];
    train(["start", "demo"], [...evaluation, "--eval-examples", "100"], { first, others: ["--full"] });
    const heldOut = join(folder, "held-out.jsonl");
    keep("demo", ["--type", "f16"], ["chat", "--data", heldOut, "--length", "512"]);

    // The model learns commands that it does not know, with an adapter, on its weights and on quantised ones.
    prepareInstructions(folder, printCorpus);
    const model = join(here, name, "demo-model");
    const quantized = join(folder, "demo.gguf");
    mamba(["quantize", model, quantized, "--type", "q8_0", "--force"], "inherit", false);
    const instructions = join(folder, "held-out-instructions.jsonl");
    /** @param {string} path @param {string} [adapter] */
    const both = async (path, adapter) => ({
      instructions: await evaluateChat({ model: path, adapter, data: instructions }),
      conversations: await evaluateChat({ model: path, adapter, data: heldOut }),
    });
    /** @type {Record<string, Awaited<ReturnType<typeof both>>>} */
    const results = { before: await both(model) };
    for (const [stage, base] of /** @type {const} */ ([
      ["instructions", model],
      ["quantized", quantized],
    ])) {
      train([stage], ["--model", base, "--lora", "8", "--eval-every", "200"]);
      results[stage] = await both(base, join(folder, stage, "adapter"));
    }
    keepAdapter(join(folder, "instructions"), "instructions-adapter");
    writeFileSync(join(here, name, "answers.json"), `${JSON.stringify(results, undefined, 2)}\n`);
  },
};

if (!Object.hasOwn(recipes, name)) {
  console.error(`usage: node recipes/run.mjs <${Object.keys(recipes).join(" | ")}> [threads]`);
  process.exit(2);
}
await recipes[name]?.();

/**
 * Trains in stages, each from the model of the one before, and keeps what they logged.
 *
 * @param {readonly string[]} stages
 * @param {readonly string[]} args
 * @param {{ first?: readonly string[], others?: readonly string[] }} [further] arguments of the first stage, and of the others
 */
function train(stages, args, { first = [], others = [] } = {}) {
  stages.forEach((stage, i) => {
    const out = join(cache, name, stage);
    const from = i === 0 ? [] : ["--model", join(cache, name, stages[i - 1] ?? "", "model")];
    mkdirSync(out, { recursive: true });
    mamba([
      "train",
      "--config",
      join(here, name, `${stage}.json`),
      "--out",
      out,
      "--resume",
      ...from,
      ...(i === 0 ? first : others),
      ...args,
    ]);
    keepCurve(out, stage);
  });
}

/** Keeps an adapter. @param {string} out @param {string} kept */
function keepAdapter(out, kept) {
  const folder = join(here, name, kept);
  mkdirSync(folder, { recursive: true });
  for (const file of ["adapter_config.json", "adapter_model.safetensors"])
    copyFileSync(join(out, "adapter", file), join(folder, file));
}

/**
 * Prints lines of a corpus to a file.
 *
 * @param {string} corpus
 * @param {{ count: number, seed: number }} options
 * @param {string} path
 */
function printCorpus(corpus, { count, seed }, path) {
  const file = openSync(path, "w");
  mamba(["data", corpus, "--count", String(count), "--seed", String(seed)], file, false);
  closeSync(file);
}

/** Keeps the curve and the log of a run. @param {string} out @param {string} stage */
function keepCurve(out, stage) {
  copyFileSync(join(out, "loss.svg"), join(here, name, `${stage}.svg`));
  const log = readFileSync(join(out, "log.jsonl"), "utf8");
  writeFileSync(join(here, name, `${stage}.jsonl`), everyTenth(log));
}

/**
 * Trains a model from each of three seeds, to the last step, and keeps what each reaches. Model, log and curve are those of the
 * first seed. Nothing is chosen by the held-out examples.
 *
 * @param {string} stage
 * @param {readonly string[]} judged
 */
function trainSeeds(stage, judged) {
  const results = [0, 1, 2].map((seed) => {
    const out = join(cache, name, `seed-${seed}`);
    mkdirSync(out, { recursive: true });
    const config = join(here, name, `${stage}.json`);
    mamba(["train", "--config", config, "--seed", String(seed), "--out", out, "--resume"]);
    const path = join(out, "result.json");
    const file = openSync(path, "w");
    mamba(["eval", ...judged, "--model", join(out, "model"), "--json"], file);
    closeSync(file);
    const { model: _model, ...result } = JSON.parse(readFileSync(path, "utf8"));
    return { seed, ...result };
  });
  const first = join(cache, name, "seed-0");
  const kept = join(here, name, `${stage}-model`);
  mkdirSync(kept, { recursive: true });
  for (const file of ["config.json", "model.safetensors"])
    copyFileSync(join(first, "model", file), join(kept, file));
  keepCurve(first, stage);
  const file = join(here, name, `${stage}-results.json`);
  writeFileSync(file, `${JSON.stringify({ seeds: results }, undefined, 2)}\n`);
}

/** Keeps every tenth step of a log, and every evaluation. @param {string} log */
function everyTenth(log) {
  const kept = log.split("\n").filter((line) => {
    if (line === "") return false;
    const { step, evaluation, kind = "step" } = JSON.parse(line);
    return evaluation !== undefined || (kind === "step" && step % 10 === 0);
  });
  return `${kept.join("\n")}\n`;
}

/**
 * Keeps a trained model, and what it reaches.
 *
 * @param {string} stage
 * @param {readonly string[]} conversion
 * @param {readonly string[]} judged
 */
function keep(stage, conversion, judged) {
  const model = join(here, name, `${stage}-model`);
  mamba(["convert", join(cache, name, stage, "model"), model, "--force", ...conversion], "inherit", false);
  const results = join(here, name, `${stage}-results.json`);
  const output = openSync(`${results}.partial`, "w");
  mamba(["eval", ...judged, "--model", model, "--json"], output);
  closeSync(output);
  renameSync(`${results}.partial`, results);
}

/** @param {readonly string[]} args @param {number | "inherit"} [stdout] @param {boolean} [computes] */
function mamba(args, stdout = "inherit", computes = true) {
  const all = computes && threads !== undefined ? [...args, "--threads", threads] : args;
  console.error(`> mamba ${all.join(" ")}`);
  const { status } = spawnSync(process.execPath, [cli, ...all], { stdio: ["ignore", stdout, "inherit"] });
  if (status !== 0) process.exit(status ?? 1);
}
