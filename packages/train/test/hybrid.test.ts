import { attention, experts, mamba, MambaLM } from "@mamba/core";
import { expect, test } from "vitest";
import type { DataSource } from "../src/dataSource.ts";
import { evaluate } from "../src/evaluate.ts";
import { languageModel } from "../src/languageModel.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, counting, kernel, take } from "./support.ts";

const common = { dModel: 16, nLayers: 2 };
const attending = attention({ ...common, heads: 4, kvHeads: 2, rotary: { theta: 100 } });
const config = { dModel: 16, vocabSize: 8, layers: [{ mixer: mamba(common) }, { mixer: attending }] };

/** `counting` in examples of 5 to 16 ids. */
const mixed: DataSource = {
  ...counting(16, 6),
  async example(index) {
    const { ids, targets } = await counting(16).example(index);
    const length = 5 + ((index * 7) % 12);
    return { ids: ids.slice(0, length), targets: targets.slice(0, length) };
  },
};

const refusal = (reason: string) =>
  expect.objectContaining({ code: "CONFIG", message: expect.stringContaining(reason) as string }) as Error;

test("a model with attention is evaluated in chunks or packed, but not both", async () => {
  using lm = MambaLM.init(kernel, config, 2);
  const { loss } = await evaluate(languageModel(lm), mixed);
  for (const [packTo, segmentLength] of [
    [undefined, 4],
    [24, undefined],
  ] as const) {
    const found = await evaluate(languageModel(lm, { packTo }), mixed, { segmentLength });
    expect(found.loss).toBeCloseTo(loss, 5);
  }
  const both = evaluate(languageModel(lm, { packTo: 24 }), mixed, { segmentLength: 4 });
  await expect(both).rejects.toThrow(refusal("its state grows with the positions"));
});

test("a model with attention learns from whole sequences, packed as padded, and not in chunks", async () => {
  const options = { steps: 30, batchSize: 6, lr: 1e-2, warmupSteps: 2, weightDecay: 0 };
  const trained = [];
  for (const packTo of [undefined, 24]) {
    using lm = MambaLM.init(kernel, config, 2);
    using trainer = new Trainer(languageModel(lm, { packTo }), mixed, options);
    await take(trainer, 3);
    trained.push(await contents(trainer));
    await take(trainer, 27);
    const { loss } = await evaluate(languageModel(lm), mixed);
    expect(loss).toBeLessThan(1);
    using cut = new Trainer(languageModel(lm, { packTo }), mixed, { ...options, segmentLength: 4 });
    await expect(cut.advance()).rejects.toThrow(refusal("no gradient goes through a state that grows"));
  }
  const [padded, packed] = trained;
  for (const [name, values] of padded!) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    values.forEach((value, i) =>
      expect(Math.abs(packed!.get(name)![i]! - value)).toBeLessThan(1e-3 * largest),
    );
  }
});

test("padding has no part in the balancing loss: padded examples have the gradients of packed ones", async () => {
  const ffn = experts({ ...common, dHidden: 8, experts: 4, perToken: 1, balance: 1 });
  const norms = [];
  for (const packTo of [undefined, 24]) {
    using lm = MambaLM.init(kernel, { ...config, layers: [{ mixer: attending, ffn }] }, 2);
    using trainer = new Trainer(languageModel(lm, { packTo }), mixed, { steps: 1, batchSize: 6 });
    norms.push((await trainer.advance())?.gradNorm ?? NaN);
  }
  const [padded = NaN, packed = NaN] = norms;
  expect(Math.abs(padded / packed - 1)).toBeLessThan(1e-5);
});
