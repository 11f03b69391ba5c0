import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { evaluateChat } from "../recipes/chat/evaluate.mjs";
import { run } from "./run.ts";
import { root } from "./workspace.mjs";

// The committed models do what the committed results say, and `recipes/README.md` says what the results say.

interface Result {
  readonly length: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly examples: number;
  readonly baseline?: { readonly loss: number };
}

const results = (path: string) =>
  (JSON.parse(readFileSync(`${root}recipes/${path}-results.json`, "utf8")) as { results: Result[] }).results;

async function evaluate(path: string, ...args: string[]): Promise<Result[]> {
  const model = `${root}recipes/${path}-model`;
  const cli = `${root}apps/cli/dist/main.js`;
  const found = await run(root, process.execPath, [cli, "eval", ...args, "--model", model, "--json"]);
  return (JSON.parse(found) as { results: Result[] }).results;
}

const readme = readFileSync(`${root}recipes/README.md`, "utf8");
/** Cells of a table's row, whatever its padding. */
const rows = readme.split("\n").map((line) =>
  line
    .split("|")
    .map((cell) => cell.trim())
    .join("|"),
);
const percent = (fraction: number) => `${(100 * fraction).toFixed(fraction === 1 ? 0 : 1)} %`;

it("induction heads: trained at 256, answers at any length, on examples that no recipe has seen", async () => {
  const found = await evaluate(
    "induction/full",
    "induction",
    "--length=64,256,1000,16384",
    "--examples=16",
    "--seed=77",
  );
  for (const { length, accuracy } of found) expect([length, accuracy]).toEqual([length, 1]);
  const lengths = results("induction/full").map(({ length }) => length);
  expect(lengths).toEqual(Array.from({ length: 15 }, (_, i) => 2 ** (6 + i)));
  for (const { length, accuracy, examples } of results("induction/full")) {
    expect(accuracy).toBeGreaterThanOrEqual(0.99);
    expect(rows).toContain(`|${length.toLocaleString("en")}|${percent(accuracy)}|${examples}|`);
  }
});

it("selective copying: the selective model copies, the one without selection does not", async () => {
  for (const [path, label] of [
    ["selective", "selective"],
    ["fixed", "fixed delta, B and C"],
  ] as const) {
    const args = ["--length=256", "--tokens=16", "--examples=32", "--seed=77"];
    const [found] = await evaluate(`selective-copying/${path}`, "selective-copying", ...args);
    const [recorded] = results(`selective-copying/${path}`);
    if (path === "selective") expect(found?.accuracy).toBeGreaterThanOrEqual(0.98);
    else expect(found?.accuracy).toBeLessThan(0.7);
    expect(rows.some((row) => row.startsWith(`|${label}|${percent(recorded?.accuracy ?? NaN)}|`))).toBe(true);
  }
});

it("stories: the demo model is small, and as far below n-grams as recorded", async () => {
  const folder = `${root}recipes/stories/demo-model`;
  const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(`${folder}/${file}`).size, 0);
  expect(bytes).toBeLessThan(5e6);
  const [recorded] = results("stories/demo");
  const [found] = await evaluate("stories/demo", "stories", "--length=1024", "--examples=16", "--seed=77");
  expect(Math.abs((found?.loss ?? NaN) / (recorded?.loss ?? NaN) - 1)).toBeLessThan(0.05);
  expect(recorded?.loss).toBeLessThan((recorded?.baseline?.loss ?? NaN) * 0.9);
});

it("the demo model tells a story and stops at its end", async () => {
  const args = ["generate", "--model", `${root}recipes/stories/demo-model`, "--max-tokens=2000", "--seed=5"];
  const text = await run(root, process.execPath, [
    `${root}apps/cli/dist/main.js`,
    ...args,
    "Once upon a time",
  ]);
  expect(text.trimEnd().split("\n")).toHaveLength(1);
  expect(text.length).toBeGreaterThan(300);
  expect(text.length).toBeLessThan(1500);
});

/** The number of parameters of a committed model. */
function parametersOf(path: string): number {
  const bytes = readFileSync(`${root}recipes/${path}-model/model.safetensors`);
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE()))) as object;
  const sizes = Object.entries(header).map(([name, { shape }]: [string, { shape?: number[] }]) =>
    name === "__metadata__" ? 0 : (shape ?? []).reduce((product, extent) => product * extent, 1),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

it("recall: one attention layer finds all values, Mamba-1 and Mamba-2 of the same size do not", async () => {
  const sizes = ["hybrid", "mamba2", "mamba1"].map((model) => parametersOf(`recall/${model}`));
  expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThan(1.05);
  for (const [path, label] of [
    ["hybrid", "Mamba-2, attention"],
    ["mamba2", "Mamba-2, Mamba-2"],
    ["mamba1", "Mamba-1, Mamba-1"],
  ] as const) {
    const args = ["--length=64", "--pairs=16", "--examples=64", "--seed=77"];
    const [found] = await evaluate(`recall/${path}`, "recall", ...args);
    const [recorded] = results(`recall/${path}`);
    if (path === "hybrid") expect(found?.accuracy).toBeGreaterThanOrEqual(0.98);
    else expect(found?.accuracy).toBeLessThan(0.5);
    expect(Math.abs((found?.accuracy ?? NaN) - (recorded?.accuracy ?? NaN))).toBeLessThan(0.05);
    const cells = `|${label}|${parametersOf(`recall/${path}`).toLocaleString("en")}|${percent(recorded?.accuracy ?? NaN)}|`;
    expect(rows.some((row) => row.startsWith(cells))).toBe(true);
  }
});

it("parity: Mamba-3 counts at and beyond the lengths of its training, Mamba-1 and Mamba-2 do not", async () => {
  for (const [path, label] of [
    ["mamba3", "Mamba-3"],
    ["mamba2", "Mamba-2"],
    ["mamba1", "Mamba-1"],
  ] as const) {
    const args = ["--length=64,256,512", "--examples=16", "--seed=77"];
    const found = await evaluate(`parity/${path}`, "parity", ...args);
    const recorded = results(`parity/${path}`);
    for (const { length, accuracy } of found) {
      if (path !== "mamba3") expect(accuracy).toBeLessThan(0.7);
      else expect(accuracy).toBeGreaterThan(length <= 256 ? 0.99 : 0.8);
    }
    expect(recorded.map(({ length }) => length)).toEqual([64, 128, 256, 512, 1024, 2048, 4096]);
    const cells = recorded.map(({ accuracy }) => percent(accuracy));
    expect(rows).toContain(
      `|${[label, parametersOf(`parity/${path}`).toLocaleString("en"), ...cells].join("|")}|`,
    );
  }
});

type Answers = Record<string, { readonly right: number; readonly count: number }>;
type Judged = Record<"instructions" | "conversations", Answers>;

/** The fraction of right answers. */
function fractionRight(answers: Answers): number {
  const all = Object.values(answers);
  const sum = (field: "right" | "count") => all.reduce((total, each) => total + each[field], 0);
  return sum("right") / sum("count");
}

it("chat: the demo model answers as recorded, and learns instructions", async () => {
  const folder = `${root}recipes/chat/demo-model`;
  const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(`${folder}/${file}`).size, 0);
  expect(bytes).toBeLessThan(4e6);
  const { before, instructions, quantized } = JSON.parse(
    readFileSync(`${root}recipes/chat/answers.json`, "utf8"),
  ) as Record<"before" | "instructions" | "quantized", Judged>;
  const cells = (judged: Judged, part: keyof Judged, kind: string) => {
    const { right = 0, count = 0 } = judged[part][kind] ?? {};
    return percent(right / count);
  };
  const after = [instructions, quantized];
  for (const part of ["instructions", "conversations"] as const) {
    for (const [kind, { count }] of Object.entries(before[part])) {
      const found = [before, ...after].map((judged) => cells(judged, part, kind));
      expect(rows).toContain(`|${[kind, count, ...found].join("|")}|`);
    }
  }
  // Examples that no recipe has seen.
  const cli = `${root}apps/cli/dist/main.js`;
  const temporary = mkdtempSync(`${tmpdir()}/mamba-recipes-`);
  try {
    const judge = async (corpus: string, count: number, adapter?: string) => {
      const data = `${temporary}/${corpus}.jsonl`;
      writeFileSync(
        data,
        await run(root, process.execPath, [cli, "data", corpus, `--count=${count}`, "--seed=7"]),
      );
      return fractionRight(await evaluateChat({ model: folder, adapter, data, threads: 1 }));
    };
    expect(Math.abs((await judge("conversations", 14)) - fractionRight(before.conversations))).toBeLessThan(
      0.1,
    );
    const adapter = `${root}recipes/chat/instructions-adapter`;
    const taught = await judge("instructions", 10, adapter);
    expect(Math.abs(taught - fractionRight(instructions.instructions))).toBeLessThan(0.12);
    expect(fractionRight(before.instructions)).toBeLessThan(0.1);
  } finally {
    rmSync(temporary, { recursive: true });
  }
});

/** Prints JSON: `mamba eval` with a model of images or of series. */
async function evaluateArrays<T>(model: string, ...args: string[]): Promise<T> {
  const cli = `${root}apps/cli/dist/main.js`;
  const command = ["eval", ...args, "--model", `${root}recipes/${model}`, "--json"];
  return JSON.parse(await run(root, process.execPath, [cli, ...command])) as T;
}
const read = <T>(path: string) => JSON.parse(readFileSync(`${root}recipes/${path}`, "utf8")) as T;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

it("digits: Vision Mamba reads 98 % of the held-out digits, more than the baselines", async () => {
  const { seeds } = read<{ seeds: { accuracy: number; examples: number }[] }>("digits/vision-results.json");
  const accuracy = mean(seeds.map((seed) => seed.accuracy));
  expect(seeds.map(({ examples }) => examples)).toEqual([1000, 1000, 1000]);
  expect(accuracy).toBeGreaterThanOrEqual(0.98);
  const hasRow = (label: string, value: number) =>
    rows.some((row) => row.startsWith(`|${label}|${percent(value)}|`));
  expect(hasRow("Vision Mamba, mean of 3 seeds", accuracy)).toBe(true);
  const baselines = read<{ results: { name: string; accuracy: number }[] }>("digits/baselines.json");
  for (const { name, accuracy: other } of baselines.results) {
    expect(hasRow(name, other)).toBe(true);
    expect(other).toBeLessThan(accuracy);
  }
  // Every fifth held-out digit, which is committed.
  const data = `--data=${root}recipes/digits/sample-images.idx`;
  const found = await evaluateArrays<{ accuracy: number; examples: number }>(
    "digits/vision-model",
    "images",
    data,
  );
  expect(found.examples).toBe(200);
  expect(Math.abs(found.accuracy - (seeds[0]?.accuracy ?? NaN))).toBeLessThan(0.02);
});

interface WeatherTarget {
  readonly target: string;
  readonly mae: number;
  readonly rmse: number;
  readonly maePerRow: readonly number[];
}
interface WeatherLead {
  readonly mae: number;
  readonly rmse: number;
}

it("weather: the forecasts of a year beat persistence on every day of the next seven", async () => {
  type Found = { readonly examples: number; readonly results: readonly WeatherTarget[] };
  const { seeds } = read<{ seeds: Found[] }>("weather/forecast-results.json");
  const baselines =
    read<Record<string, { column: string; leads: WeatherLead[] }[]>>("weather/baselines.json");
  const data = `--data=${root}recipes/weather/held-out.csv`;
  const found = await evaluateArrays<Found>("weather/forecast-model", "series", data);
  expect(found.examples).toBe(359);
  for (const { target, mae, rmse, maePerRow } of found.results) {
    const recorded = seeds[0]?.results.find((each) => each.target === target);
    expect(mae).toBeCloseTo(recorded?.mae ?? NaN, 3);
    expect(rmse).toBeCloseTo(recorded?.rmse ?? NaN, 3);
    const leadsOf = (name: string) => baselines[name]?.find(({ column }) => column === target)?.leads ?? [];
    const persistence = leadsOf("persistence");
    expect(persistence).toHaveLength(7);
    maePerRow.forEach((error, i) => expect(error).toBeLessThan(persistence[i]?.mae ?? NaN));
    const row = (label: string, leads: readonly number[], ends: readonly number[]) =>
      `|${label}|${[leads[0], leads[2], leads[6], ...ends].map((error) => error?.toFixed(2)).join("|")}|`;
    for (const name of Object.keys(baselines)) {
      const leads = leadsOf(name);
      const errors = leads.map((lead) => lead.mae);
      const root = Math.sqrt(mean(leads.map((lead) => lead.rmse ** 2)));
      expect(rows).toContain(row(`${target}, ${name}`, errors, [mean(errors), root]));
    }
    const all = seeds.flatMap(({ results }) => results.filter((each) => each.target === target));
    const byLead = maePerRow.map((_, i) => mean(all.map((each) => each.maePerRow[i] ?? NaN)));
    const ends = [mean(all.map((each) => each.mae)), mean(all.map((each) => each.rmse))];
    expect(rows).toContain(row(`${target}, Mamba, mean of 3 seeds`, byLead, ends));
  }
});
