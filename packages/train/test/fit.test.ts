import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SequenceModel } from "@mamba/core";
import { expect, onTestFinished, test } from "vitest";
import type { ArrayExample } from "../src/arrayExample.ts";
import { classifier } from "../src/arrays/classifier.ts";
import type { ClassifierMetrics } from "../src/arrays/classSums.ts";
import type { ExampleSource } from "../src/dataSource.ts";
import { evaluate } from "../src/evaluate.ts";
import { fit, type FitOptions } from "../src/fit/fit.ts";
import type { FitConfigInput } from "../src/fit/fitConfig.ts";
import { type FitData, type FitEvent, Fitter } from "../src/fit/fitter.ts";
import { languageModel } from "../src/languageModel.ts";
import { RunFolder } from "../src/node/runFolder.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, counting, draws, kernel, model } from "./support.ts";

function small(seed = 1): SequenceModel {
  return SequenceModel.init(
    kernel,
    {
      ...{ input: { kind: "values", channels: 1 }, pooling: "mean", outputs: 2, dropout: 0.1 },
      ...{ dModel: 8, nLayers: 1, dState: 4 },
    },
    seed,
  );
}

/** The class is the sign of the sum, and wrong for some of the examples, so that a model can overfit. */
function signs(count: number, id = "signs"): ExampleSource<ArrayExample> {
  return {
    id,
    count,
    example(index) {
      const input = draws(6, index);
      const sum = input.reduce((a, b) => a + b);
      return { input, target: (sum > 0 ? 1 : 0) ^ (index % 5 === 0 ? 1 : 0) };
    },
  };
}

const config: FitConfigInput = { steps: 24, batchSize: 4, lr: 3e-2, evaluateEvery: 4, seed: 5 };

async function eventsOf<M extends object>(events: AsyncIterable<FitEvent<M>>): Promise<FitEvent<M>[]> {
  const all: FitEvent<M>[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const withoutTime = (events: readonly FitEvent[]) =>
  events.map((event) => (event.kind === "step" ? { ...event, tokensPerSecond: 0 } : event));

const parametersOf = (of: { readonly parameters: SequenceModel["parameters"] }) =>
  kernel.read(...of.parameters.values());

async function folderFor(): Promise<RunFolder> {
  const path = await mkdtemp(join(tmpdir(), "mamba-fit-"));
  const folder = await RunFolder.open(path);
  onTestFinished(async () => {
    await folder.close();
    await rm(path, { recursive: true });
  });
  return folder;
}

test("a tenth is held out, the events are in order, and the model ends with its best parameters", async () => {
  using lm = small();
  const trainable = classifier(lm);
  const saved: { step: number; parameters: unknown }[] = [];
  const events = await eventsOf(
    fit(trainable, { train: signs(80) }, config, {
      saveBest: async ({ step }) => {
        saved.push({ step, parameters: await parametersOf(lm) });
      },
    }),
  );
  expect(events.map((event) => `${event.kind} ${event.step}`).slice(0, 7)).toEqual([
    ...["evaluation 0", "step 1", "step 2", "step 3", "step 4", "evaluation 4", "step 5"],
  ]);
  const evaluations = events.filter((event) => event.kind === "evaluation");
  expect(evaluations.map(({ step }) => step)).toEqual([0, 4, 8, 12, 16, 20, 24]);
  for (const { evaluation } of evaluations) expect(evaluation).toMatchObject({ examples: 8, targets: 8 });
  const losses = evaluations.map(({ evaluation }) => evaluation.loss);
  const best = evaluations[losses.indexOf(Math.min(...losses))]!;
  expect(events.at(-1)).toEqual({
    ...{ kind: "finished", step: 24, reason: "steps" },
    best: { step: best.step, value: best.evaluation.loss, evaluation: best.evaluation },
  });
  const bests = evaluations.filter(({ isBest }) => isBest).map(({ step }) => step);
  expect(saved.map(({ step }) => step)).toEqual(bests);
  expect(bests.at(-1)).toBe(best.step);
  expect(await parametersOf(lm)).toEqual(saved.at(-1)!.parameters);
});

test("patience ends the training, and the metric decides what is better", async () => {
  const run = async (more: Partial<FitConfigInput>) => {
    using lm = small();
    const data = { train: signs(60), heldOut: signs(40, "others") };
    return await eventsOf(fit(classifier(lm), data, { ...config, steps: 60, ...more }));
  };
  // Nothing is better by so much.
  const never = await run({ patience: 3, minDelta: 100 });
  expect(never.at(-1)).toMatchObject({ kind: "finished", step: 12, reason: "patience", best: { step: 0 } });
  const right = await run({ metric: "accuracy", patience: 2 });
  const values = right.flatMap((event) => (event.kind === "evaluation" ? [event.evaluation.accuracy] : []));
  const last = right.at(-1)!;
  expect(last).toMatchObject({ kind: "finished", best: { value: Math.max(...values) } });
  const wrong = run({ metric: "acuracy" });
  await expect(wrong).rejects.toMatchObject({ code: "CONFIG" });
  await expect(wrong).rejects.toThrow('the evaluation has no number "acuracy"; did you mean accuracy?');
});

test("a fit that was interrupted anywhere and resumed is the one that never stopped, with its patience", async () => {
  const data: FitData<ArrayExample> = { train: signs(60) };
  const long = { ...config, steps: 60, patience: 3, minDelta: 0.05 };
  using whole = small();
  const expected = await eventsOf(fit(classifier(whole), data, long));
  const finished = expected.at(-1)!;
  expect(finished).toMatchObject({ kind: "finished", reason: "patience" }); // so the count of the patience matters
  const path = await folderFor();
  let found: FitEvent[] = [];
  for (let attempt = 0; found.at(-1)?.kind !== "finished"; attempt++) {
    using lm = small(attempt + 1); // from the second on other weights, which the state replaces
    const controller = new AbortController();
    let left = 5;
    try {
      const options: FitOptions<ClassifierMetrics> = { run: path, saveEvery: 3, signal: controller.signal };
      for await (const event of fit(classifier(lm), data, long, options)) {
        found = [...found.filter((old) => old.step < event.step || old.kind !== event.kind), event];
        if (--left === 0) controller.abort(new Error("interrupted"));
      }
      expect(await parametersOf(lm)).toEqual(await parametersOf(whole));
    } catch (error) {
      expect((error as Error).message).toBe("interrupted");
    }
    expect(attempt).toBeLessThan(30);
  }
  expect(withoutTime(found)).toEqual(withoutTime(expected));
  const lines = (await readFile(path.logPath, "utf8")).trim().split("\n");
  const log = lines.map((line) => JSON.parse(line) as FitEvent);
  expect(log.map(({ kind, step }) => `${kind} ${step}`)).toEqual(
    expected.map(({ kind, step }) => `${kind} ${step}`),
  );
});

test("a finished fit goes on with more steps, with its best parameters and a new patience", async () => {
  const data: FitData<ArrayExample> = { train: signs(60) };
  const folder = await folderFor();
  const constant = { ...config, schedule: "constant", warmupSteps: 0, steps: 8 } as const;
  {
    using lm = small();
    await eventsOf(fit(classifier(lm), data, constant, { run: folder }));
    // Finished: nothing is left to do.
    const again = await eventsOf(fit(classifier(lm), data, constant, { run: folder }));
    expect(again.map(({ kind }) => kind)).toEqual(["finished"]);
  }
  using lm = small(9);
  const events = await eventsOf(fit(classifier(lm), data, { ...constant, steps: 16 }, { run: folder }));
  using whole = small();
  const expected = await eventsOf(fit(classifier(whole), data, { ...constant, steps: 16 }));
  const after = expected.filter(({ step, kind }) => step > 8 || kind === "finished");
  expect(withoutTime(events)).toEqual(withoutTime(after));
  expect(await parametersOf(lm)).toEqual(await parametersOf(whole));
  await expect(eventsOf(fit(classifier(lm), data, constant, { run: folder }))).rejects.toThrow(
    "the saved run has training.steps 16, this one 8",
  );
  // The warmup is a part of the schedule, which is a new one with more steps only.
  const warm = { ...constant, warmupSteps: 2 };
  await expect(eventsOf(fit(classifier(lm), data, { ...warm, steps: 16 }, { run: folder }))).rejects.toThrow(
    "the saved run has training.warmupSteps 0, this one 2",
  );
  const longer = await eventsOf(fit(classifier(lm), data, { ...warm, steps: 17 }, { run: folder }));
  expect(longer.filter(({ kind }) => kind === "step").map(({ step }) => step)).toEqual([17]);
});

test("another rule, other held-out data and the state of a trainer alone are refused", async () => {
  const folder = await folderFor();
  using lm = small();
  const data: FitData<ArrayExample> = { train: signs(60), heldOut: signs(10, "one") };
  using fitter = new Fitter(classifier(lm), data, config);
  for await (const event of fitter.run()) if (event.step === 5) break;
  await folder.save(fitter);
  const refused = async (other: Fitter<ArrayExample>, message: string) => {
    await expect(folder.resume(other)).rejects.toMatchObject({ code: "RESUME" });
    await expect(folder.resume(other)).rejects.toThrow(message);
  };
  using rule = new Fitter(classifier(lm), data, { ...config, metric: "accuracy" });
  await refused(rule, 'the saved run has fit.rule {"metric":"loss"');
  using other = new Fitter(classifier(lm), { ...data, heldOut: signs(10, "two") }, config);
  await refused(other, 'the saved run has fit.heldOut "one", this one "two"');
  using alone = new Trainer(classifier(lm), signs(60), { steps: 24, batchSize: 4, lr: 3e-2, seed: 5 });
  await expect(folder.resume(alone)).rejects.toThrow("the saved run has fit.heldOut");
  using patient = new Fitter(classifier(lm), data, { ...config, patience: 7, evaluateEvery: 2 });
  expect(await folder.resume(patient)).toMatchObject({ step: 5 });
  patient.useBest();
  expect(() => patient.state()).toThrow("the fit has ended with useBest");
});

test("a step that cannot fit is refused before the first evaluation", async () => {
  using lm = small();
  const events: string[] = [];
  const run = async () => {
    const tight = fit(classifier(lm), { train: signs(60) }, config, { memoryLimit: 1000 });
    for await (const { kind } of tight) events.push(kind);
  };
  await expect(run()).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
  expect(events).toEqual([]);
});

test("without held-out examples it only trains; a source without an end needs some", async () => {
  using lm = model();
  const events = await eventsOf(
    fit(languageModel(lm), { train: counting(), heldOut: false }, { steps: 3, batchSize: 2 }),
  );
  expect(events.map(({ kind }) => kind)).toEqual(["step", "step", "step", "finished"]);
  expect(events.at(-1)).toMatchObject({ best: undefined });
  using other = model();
  using plain = new Trainer(languageModel(other), counting(), { steps: 3, batchSize: 2 });
  for (let i = 0; i < 3; i++) await plain.advance();
  expect(await kernel.read(...lm.parameters.values())).toEqual(
    await kernel.read(...other.parameters.values()),
  );
  expect(() => new Fitter(languageModel(lm), { train: counting() }, { steps: 1 })).toThrow(
    "counting, length 12 has no end, so no part of it can be held out: give heldOut a source of its own, or false",
  );
  const invalid: [Partial<FitConfigInput>, string][] = [
    [{ patience: 0 }, "field patience must be a whole number >= 1, got 0"],
    [{ minDelta: -1 }, "field minDelta must be a number >= 0, got -1"],
    [{ evaluateEvery: 1.5 }, "field evaluateEvery must be a whole number >= 1, got 1.5"],
    [{ direction: "up" as "min" }, 'field direction must be "min" or "max", got "up"'],
    [{ patienze: 3 } as Partial<FitConfigInput>, "there is no training field patienze"],
  ];
  for (const [fields, message] of invalid) {
    const make = () => new Fitter(languageModel(lm), { train: counting(12, 20) }, { steps: 1, ...fields });
    expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }));
    expect(make).toThrow(message);
  }
});

test("the best of bf16 weights are the masters, and the model has them rounded", async () => {
  const { MambaLM } = await import("@mamba/core");
  using lm = MambaLM.init(kernel, { dModel: 16, nLayers: 1, vocabSize: 8 }, 1, { dtype: "bf16" });
  const trainable = languageModel(lm);
  const train = counting(12, 40);
  using fitter = new Fitter(trainable, { train }, { steps: 12, lr: 2e-2, weights: "bf16", evaluateEvery: 3 });
  const before = kernel.memory();
  for await (const event of fitter.run()) if (event.kind === "finished") break;
  expect(kernel.memory().bytes - before.bytes).toBeLessThan(10_000); // tensors that the model derives
  const saved = await contents(fitter);
  expect([...saved.keys()].filter((name) => name.startsWith("best.")).length).toBe(lm.parameters.size);
  const best = fitter.useBest()!;
  const again = await evaluate(trainable, fitter.heldOut!, { batchSize: 8 });
  expect(again).toEqual(best.evaluation);
});
