import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";
import { Stop } from "../program/errors.ts";

// Models of series and images: train, eval, predict and inspect.

let base: string;
const at = (...names: string[]) => join(base, ...names);
const rows = 60;
const height = (row: number) => 20 + 5 * Math.sin(row / 3);

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-arrays-"));
  const date = (row: number) => new Date(Date.UTC(2024, 0, 1 + row)).toISOString().slice(0, 10);
  const line = (_: unknown, row: number) => `${date(row)},${height(row).toFixed(3)},${row % 7}`;
  await writeFile(at("tide.csv"), `date,height,day\n${Array.from({ length: rows }, line).join("\n")}\n`);
  // Images of 4 x 4: class 0 is dark above, class 1 is dark below.
  const count = 24;
  const pixels = Array.from({ length: count * 16 }, (_, i) => {
    const [image, row] = [Math.floor(i / 16), Math.floor((i % 16) / 4)];
    return (image % 2 === 0) === row < 2 ? 10 + image : 220;
  });
  await writeFile(
    at("toy-images-idx3-ubyte"),
    Uint8Array.from([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4, ...pixels]),
  );
  await writeFile(
    at("toy-labels-idx1-ubyte"),
    Uint8Array.from([0, 0, 8, 1, 0, 0, 0, count, ...pixels.slice(0, count).map((_, i) => i % 2)]),
  );
});
afterAll(() => rm(base, { recursive: true }));

/** The loss of the best evaluation in the log of a run: the model in its folder has it. */
async function bestLoss(name: string): Promise<number> {
  const lines = (await readFile(at(name, "log.jsonl"), "utf8")).trim().split("\n");
  const events = lines.map((line) => JSON.parse(line) as { evaluation?: { loss: number } });
  return Math.min(...events.flatMap(({ evaluation }) => (evaluation ? [evaluation.loss] : [])));
}

const series = (...args: string[]) => [
  "series",
  `--data=${at("tide.csv")}`,
  "--columns=height,day",
  "--horizon=3",
  "--context=8",
  ...args,
];
const small = ["--batch-size=4", "--d-model=16", "--layers=1", "--backend=cpu", "--threads=1"];
const quick = ["--steps=6", ...small];

test("a series: trained, evaluated, forecast, and described", async () => {
  const out = await run([
    "train",
    ...series("--targets=height", "--levels=0.1,0.5,0.9", "--held-out=0.25"),
    ...quick,
    "--eval-every=2",
    "--out",
    at("tide"),
  ]);
  expect(out).toMatchObject({ code: 0, stdout: "" });
  expect(out.stderr).toMatch(/^step 0: held out \d\.\d{4}, mean absolute error \d/m);
  expect(out.stderr).toMatch(
    /the model has the parameters of step \d+, held out \d\.\d{4}, mean absolute error \d.*\nwrote .*model\n$/,
  );
  expect(out.stderr).toMatch(/^35 examples to train on, 5 held out; the model has \S+ k parameters$/m);
  const toBeat = /^persistence .*: held out, mean absolute error (\d\S+)$/m.exec(out.stderr)?.[1];
  expect((await readdir(at("tide"))).sort()).toEqual(["log.jsonl", "loss.svg", "model", "state.safetensors"]);

  const model = at("tide", "model");
  const evaluated = await run([
    "eval",
    "series",
    "-m",
    model,
    `--data=${at("tide.csv")}`,
    "--held-out=0.25",
    "--json",
  ]);
  expect(evaluated.code).toBe(0);
  const report = JSON.parse(evaluated.stdout) as {
    examples: number;
    loss: number;
    results: object[];
    quantiles: object[];
  };
  expect(report).toMatchObject({
    task: "series",
    examples: 15 - 11 + 1,
    targets: 15,
    results: [{ target: "height", maePerRow: [expect.any(Number), expect.any(Number), expect.any(Number)] }],
  });
  expect(report.quantiles).toHaveLength(3);
  const [{ persistence }] = report.results as [{ persistence: { mae: number } }];
  expect(Number(toBeat)).toBeCloseTo(persistence.mae, 2);
  const shown = await run(["eval", "series", "-m", model, `--data=${at("tide.csv")}`]);
  expect(shown.stdout).toMatch(/^target +MAE +RMSE +MAE of persistence +RMSE of persistence$/m);
  expect(report.loss).toBeCloseTo(await bestLoss("tide"), 5);

  const predicted = await run(["predict", "-m", model, `--data=${at("tide.csv")}`]);
  expect(predicted.stdout).toMatch(
    /^date,height_q0.1,height_q0.5,height_q0.9\n2024-03-01,.*\n2024-03-02,.*\n2024-03-03,.*\n$/,
  );
  const stdin = await readFile(at("tide.csv"));
  const piped = await run(["predict", "-m", model, "--data=-", "--json"], { stdin });
  const objects = JSON.parse(piped.stdout) as Record<string, number>[];
  expect(objects.map((row) => Object.values(row).join(","))).toEqual(
    predicted.stdout.trim().split("\n").slice(1),
  );
  expect(
    await run(["predict", "-m", model, `--data=${at("tide.csv")}`, "--out", at("next.csv")]),
  ).toMatchObject({ code: 0, stdout: "", stderr: `wrote ${at("next.csv")}\n` });
  expect(await readFile(at("next.csv"), "utf8")).toBe(predicted.stdout);

  const described = await run(["inspect", model]);
  expect(described.stdout).toMatch(/^targets +height$/m);
  expect(described.stdout).toMatch(/^levels +0\.1, 0\.5, 0\.9$/m);
});

test("a relative forecast: its errors are those of the rows that it predicts", async () => {
  const args = ["train", ...series("--targets=height", "--relative", "--held-out=0"), ...quick];
  expect((await run([...args, "--out", at("change")])).code).toBe(0);
  const lines = (await readFile(at("tide.csv"), "utf8")).split("\n");
  await writeFile(at("known.csv"), lines.slice(0, 1 + 8).join("\n"));
  await writeFile(at("window.csv"), lines.slice(0, 1 + 8 + 3).join("\n"));
  const model = at("change", "model");
  const evaluated = await run(["eval", "series", "-m", model, `--data=${at("window.csv")}`, "--json"]);
  const predicted = await run(["predict", "-m", model, `--data=${at("known.csv")}`, "--json"]);
  const [result] = (
    JSON.parse(evaluated.stdout) as { results: { maePerRow: number[]; persistence: { mae: number } }[] }
  ).results;
  const values = (JSON.parse(predicted.stdout) as { height: number }[]).map((row) => row.height);
  values.forEach((value, i) => expect(result?.maePerRow[i]).toBeCloseTo(Math.abs(value - height(8 + i)), 2));
  const naive = [8, 9, 10].map((row) => Math.abs(height(7) - height(row)));
  expect(result?.persistence.mae).toBeCloseTo(naive.reduce((sum, error) => sum + error) / 3, 2);
});

test("images: trained, evaluated and named", async () => {
  const idx = `--data=${at("toy-images-idx3-ubyte")}`;
  const args = ["images", idx, "--patch-size=2", "--shift=1", "--held-out=0.25"];
  const out = await run([
    "train",
    ...args,
    ...quick,
    "--weights=bf16",
    "--recompute",
    "--memory-limit=1GB",
    "--out",
    at("toy"),
  ]);
  expect(out).toMatchObject({ code: 0, stdout: "" });
  expect(out.stderr).toMatch(/^step 0: held out \d\.\d{4}, accuracy \d+\.\d\d %$/m);
  const model = at("toy", "model");
  const evaluated = await run(["eval", "images", "-m", model, idx, "--held-out=0.25", "--json"]);
  expect(JSON.parse(evaluated.stdout)).toMatchObject({
    examples: 6,
    targets: 6,
    results: [{ label: "0" }, { label: "1" }],
  });
  const { loss } = JSON.parse(evaluated.stdout) as { loss: number };
  expect(loss).toBeCloseTo(await bestLoss("toy"), 5);
  expect((await run(["eval", "images", "-m", model, idx])).stdout).toMatch(
    /^accuracy \d+\.\d\d %, macro F1/m,
  );
  const predicted = await run(["predict", "-m", model, idx, "--batch-size=5"]);
  const lines = predicted.stdout.trim().split("\n");
  expect(lines[0]).toBe("file,label,probability");
  expect(lines.slice(1)).toHaveLength(24);
  expect(lines[24]).toMatch(/^toy-images-idx3-ubyte#23,[01],[01](\.\d+)?$/);
  expect((await run(["inspect", model])).stdout).toMatch(/^labels +0, 1$/m);
});

test("a run that was interrupted and resumed gives the same bits", async () => {
  const args = ["train", ...series(), ...small, "--steps=30", "--eval-every=10", "--save-every=7"];
  expect((await run([...args, "--out", at("whole")])).code).toBe(0);
  const controller = new AbortController();
  const first = await run([...args, "--out", at("parts")], {
    signal: controller.signal,
    onNote: (text) => {
      if (text.includes("step 10: held out")) controller.abort(new Stop("interrupted", 130));
    },
  });
  expect(first.code).toBe(130);
  expect((await run([...args, "--out", at("parts")])).stderr).toContain("--resume continues it [EXISTS]");
  const resumed = await run([...args, "--out", at("parts"), "--resume"]);
  expect(resumed).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^continuing after step 10\n/) as string,
  });
  for (const file of ["state.safetensors", "model/model.safetensors"]) {
    expect((await readFile(at("parts", file))).equals(await readFile(at("whole", file)))).toBe(true);
  }
  // A longer run has another default warmup, which belongs to its schedule.
  const longer = ["train", ...series(), ...small, "--steps=50", "--out", at("whole"), "--resume"];
  const extended = await run(longer);
  expect(extended).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^continuing after step 30\n/) as string,
  });
  expect(extended.stderr).toContain("step 50/50");
});

test("a config file, and what is refused", async () => {
  const recipe = {
    task: "series",
    data: { path: at("tide.csv"), columns: ["height"], horizon: 2, context: 4 },
    training: { steps: 2, batchSize: 2 },
    model: { dModel: 8, nLayers: 1 },
  };
  const refused = async (args: readonly string[], message: string, code = 2) => {
    const { stderr, ...result } = await run(args);
    expect({ args, code: result.code, stderr }).toEqual({
      args,
      code,
      stderr: expect.stringContaining(message) as string,
    });
  };
  await writeFile(at("recipe.json"), JSON.stringify(recipe));
  expect((await run(["train", "--config", at("recipe.json"), "--out", at("configured")])).code).toBe(0);
  const out = ["--out", at("refused")];
  await refused(["train", "series", ...out], "series needs --data <file>");
  await refused(["train", ...series("--length=3"), ...out], "series has no field length");
  await refused(["train", ...series("--model=x"), ...out], "series has no option --model");
  await refused(
    ["train", ...series("--eval-data=x"), ...out],
    "series has no option --eval-data; series holds out its own examples",
  );
  await refused(["train", "induction", "--patience=3", ...out], "--patience is for series and images");
  await refused(["train", "induction", "--columns=a", ...out], "induction has no field columns");
  await refused(
    ["train", ...series("--levels=0.5,x"), ...out],
    "--levels must be numbers with commas between them",
  );
  await refused(
    ["train", ...series("--memory-limit=lots"), ...out],
    "--memory-limit must be bytes, such as 2GB",
  );
  await refused(["train", ...series("--columns=height,dya"), ...out], "--columns is given more than once");
  const columns = [`--data=${at("tide.csv")}`, "--horizon=3"];
  await refused(
    ["train", "series", ...columns, "--columns=dya", ...out],
    'tide.csv: there is no column "dya"; did you mean day? [DATA]',
    1,
  );
  await refused(
    ["train", "series", ...columns, "--columns=date", ...out],
    'tide.csv, line 2, column date: expected a number, got "2024-01-01" [DATA]',
    1,
  );
  await refused(["train", ...series("--memory-limit=10kB"), ...quick, ...out], "[OUT_OF_MEMORY]", 1);
  await refused(["train", "images", `--data=${at("none")}`, ...out], "none: there is no such file or folder");
  await refused(
    ["train", "images", `--data=${at("tide.csv")}`, ...out],
    "tide.csv: expected an IDX file, got another beginning [DATA]",
    1,
  );
  await refused(
    ["eval", "series", "-m", at("configured", "model"), "--data=x", "--length=3"],
    "series has no option --length",
  );
  await refused(
    ["eval", "images", "-m", at("configured", "model"), `--data=${at("toy-images-idx3-ubyte")}`],
    "is a model of a series",
  );
  await refused(["eval", "induction", "-m", "x", "--held-out=0.1"], "--held-out is for series and images");
  await refused(["predict", "-m", "x", "--data=y", "--out=z.txt"], "--out must end in .csv or .json");
  await refused(["predict", "-m", at("configured", "model"), "--data=-"], "stdin is a terminal");
  await writeFile(at("short.csv"), "height\n1\n2\n3\n");
  await refused(
    ["predict", "-m", at("configured", "model"), `--data=${at("short.csv")}`],
    "short.csv: the model reads 4 rows, got 3",
  );
  await mkdir(at("photos"), { recursive: true });
  await writeFile(at("photos", "notes.txt"), "");
  await refused(
    ["train", "images", `--data=${at("photos")}`, ...out],
    "notes.txt: expected a folder per class, got a file [DATA]",
    1,
  );
});
