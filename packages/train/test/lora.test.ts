import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LoraAdapter, MambaLM, type ParameterSpec, parameterSpecs } from "@mamba/core";
import { fromFloat32, type HostArray } from "@mamba/kernel";
import { expect, onTestFinished, test } from "vitest";
import { evaluate } from "../src/evaluate.ts";
import { RunFolder } from "../src/node/runFolder.ts";
import { languageModel } from "../src/languageModel.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, counting, kernel, model, take } from "./support.ts";

const config = { steps: 40, lr: 1e-2, batchSize: 4, warmupSteps: 4 };

/** A model with its large matrices in bf16. The head is frozen, so its rows must differ much from the start. */
async function narrow(): Promise<MambaLM> {
  using wide = model({ initializerRange: 0.3 });
  const tensors = parameterSpecs(wide.config).map(async ({ name, shape, storage }: ParameterSpec) => {
    const [values] = (await kernel.read(wide.parameters.get(name)!)) as [Float32Array];
    const dtype = storage === "any" ? "bf16" : "f32";
    return [name, kernel.upload(fromFloat32(values, dtype), shape, dtype)] as const;
  });
  return new MambaLM(kernel, wide.config, new Map(await Promise.all(tensors)));
}

async function weights(lm: MambaLM): Promise<HostArray[]> {
  return kernel.read(...lm.parameters.values());
}

test("an adapter learns on a base in bf16, whose bits do not change", async () => {
  using lm = await narrow();
  using adapter = LoraAdapter.init(lm, { rank: 8 });
  const before = await weights(lm);
  const heldOut = { first: 1000, examples: 16 };
  const start = await evaluate(languageModel(lm), counting(), heldOut);
  lm.attach(adapter);
  expect(await evaluate(languageModel(lm), counting(), heldOut)).toEqual(start);
  using trainer = new Trainer(languageModel(lm), counting(), { ...config, steps: 150 });
  await take(trainer, 150);
  const end = await evaluate(languageModel(lm), counting(), heldOut);
  expect(start.loss).toBeGreaterThan(2);
  expect(end.loss).toBeLessThan(start.loss - 0.8);
  expect(await weights(lm)).toEqual(before);
  lm.detach();
  expect(await evaluate(languageModel(lm), counting(), heldOut)).toEqual(start);
});

test("a resumed adapter run has the same bits; its state has the tensors of the adapter only", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mamba-lora-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const run = await RunFolder.open(folder);
  using lm = await narrow();
  const trainerOf = (adapter: LoraAdapter) => {
    lm.attach(adapter);
    return new Trainer(languageModel(lm), counting(12, 20), config);
  };
  using first = LoraAdapter.init(lm, { rank: 4, base: "bf16" }, 1);
  using whole = trainerOf(first);
  await take(whole, 3);
  await run.save(whole);
  await take(whole, 4);
  const expected = await contents(whole);
  expect([...expected.keys()].filter((name) => !name.startsWith("adamw."))).toEqual([
    ...first.parameters.keys(),
  ]);
  using second = LoraAdapter.init(lm, { rank: 4, base: "bf16" }, 2); // other values, which the state replaces
  using resumed = trainerOf(second);
  expect(await run.resume(resumed)).toBeDefined();
  await take(resumed, 4);
  expect(await contents(resumed)).toEqual(expected);

  for (const other of [{ rank: 4 }, { rank: 4, base: "bf16", alpha: 3 }]) {
    using adapter = LoraAdapter.init(lm, other);
    using trainer = trainerOf(adapter);
    await expect(run.resume(trainer)).rejects.toThrow("the saved run has model.adapter {");
  }
  lm.detach();
  using full = model();
  using trainer = new Trainer(languageModel(full), counting(12, 20), config);
  await expect(run.resume(trainer)).rejects.toThrow(expect.objectContaining({ code: "RESUME" }));
});

test("chunks, accumulation and recomputing train the adapter too, and leave no memory", async () => {
  const before = kernel.memory();
  {
    using lm = model();
    using adapter = LoraAdapter.init(lm, { rank: 2, targets: ["in_proj", "x_proj", "dt_proj", "out_proj"] });
    lm.attach(adapter);
    const run = async (options: object) => {
      using trainer = new Trainer(languageModel(lm), counting(), {
        steps: 1,
        lr: 0,
        batchSize: 2,
        ...options,
      });
      return (await take(trainer, 1))[0]!;
    };
    const plain = await run({});
    expect(plain.gradNorm).toBeGreaterThan(0);
    expect(await run({ recompute: true })).toEqual(plain);
    const halves = await run({ batchSize: 1, accumulation: 2 });
    expect(halves.gradNorm).toBeCloseTo(plain.gradNorm, 5);
    expect((await run({ segmentLength: 5 })).loss).toBeCloseTo(plain.loss, 5);
  }
  expect(kernel.memory()).toEqual(before);
});

test("a trainer refuses to go on with another adapter", async () => {
  using lm = model();
  using adapter = LoraAdapter.init(lm, { rank: 2 });
  lm.attach(adapter);
  using trainer = new Trainer(languageModel(lm), counting(), config);
  lm.detach();
  await expect(trainer.advance()).rejects.toThrow(
    expect.objectContaining({
      code: "CONFIG",
      message: expect.stringContaining("another adapter") as string,
    }),
  );
});
