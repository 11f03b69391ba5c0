import { expect, test } from "vitest";
import { evaluate } from "../src/evaluate.ts";
import { languageModel } from "../src/languageModel.ts";
import { evaluationOf } from "../src/languageModelMetrics.ts";
import { type Example, ignoreIndex } from "../src/dataSource.ts";
import { counting, kernel, middle, model, watched } from "./support.ts";

test("the result is the mean over all positions that count, for any batch and chunk sizes", async () => {
  using lm = model({ vocabSize: 16, padVocabSizeMultiple: 32 });
  const source = middle(21);
  // The same on the host.
  let loss = 0;
  let correct = 0;
  for (let i = 0; i < 5; i++) {
    const { ids, targets } = source.example(i) as Example;
    using tensor = kernel.upload(ids, [1, 21], "i32");
    using logits = lm.forward(tensor, { logits: "last" });
    const [row] = (await kernel.read(logits)) as [Float32Array];
    const sum = row.reduce((total, value) => total + Math.exp(value), 0);
    const target = targets[20]!;
    loss += Math.log(sum) - row[target]!;
    if (row.indexOf(Math.max(...row)) === target) correct++;
  }
  for (const options of [{}, { batchSize: 2 }, { segmentLength: 4 }, { batchSize: 5, segmentLength: 20 }]) {
    const found = await evaluate(languageModel(lm), source, { examples: 5, ...options });
    expect(found.loss).toBeCloseTo(loss / 5, 5);
    expect(found.perplexity).toBeCloseTo(Math.exp(loss / 5), 4);
    expect(found).toMatchObject({ accuracy: correct / 5, targets: 5, examples: 5 });
  }
});

test("reads a source that ends once, and frees all tensors", async () => {
  using lm = model();
  await evaluate(languageModel(lm), counting(), { examples: 1 }); // the model keeps tensors that it derives from its parameters
  const before = kernel.memory();
  const done: number[] = [];
  const found = await evaluate(languageModel(lm), counting(12, 10), {
    batchSize: 4,
    segmentLength: 8,
    onProgress: (n) => done.push(n),
  });
  expect(found).toMatchObject({ examples: 10, targets: 120 });
  expect(done).toEqual([32, 48, 80, 96, 112, 120]);
  expect(await evaluate(languageModel(lm), counting(12, 10), { first: 7 })).toMatchObject({
    examples: 3,
    targets: 36,
  });
  expect(kernel.memory()).toEqual(before);
});

test("memory does not grow with the length of the examples", async () => {
  using lm = model();
  const peak = async (length: number) => {
    let most = 0;
    const spy = watched((bytes) => (most = Math.max(most, bytes)));
    Object.defineProperty(lm, "kernel", { value: spy, configurable: true });
    await evaluate(languageModel(lm), counting(length), { examples: 1, segmentLength: 64 });
    return most;
  };
  const short = await peak(128);
  expect(await peak(4096)).toBe(short);
});

test("invalid options and sources without targets are refused", async () => {
  using lm = model();
  const refused = async (made: Promise<unknown>, code: string, message: string) => {
    await expect(made).rejects.toThrow(expect.objectContaining({ code }));
    await expect(made).rejects.toThrow(message);
  };
  await refused(
    evaluate(languageModel(lm), counting()),
    "CONFIG",
    "examples must be a whole number >= 1, got none",
  );
  await refused(
    evaluate(languageModel(lm), counting(), { examples: 1, batchSize: 0 }),
    "CONFIG",
    "batchSize must be",
  );
  await refused(
    evaluate(languageModel(lm), counting(12, 4), { examples: 5 }),
    "DATA",
    "has 4 examples from 0 on, 5 were asked for",
  );
  const nothing = {
    ...counting(),
    example: () => ({ ids: Int32Array.of(1), targets: Int32Array.of(ignoreIndex) }),
  };
  await refused(evaluate(languageModel(lm), nothing, { examples: 2 }), "DATA", "no target that counts");
  const stop = AbortSignal.abort(new Error("enough"));
  await expect(evaluate(languageModel(lm), counting(), { examples: 2, signal: stop })).rejects.toThrow(
    "enough",
  );
});

test("an id or a target outside of the vocabulary is refused, with its example and position", async () => {
  using lm = model();
  const source = (ids: number[], targets: number[]) => ({
    ...counting(),
    example: (i: number) =>
      i === 3 ? { ids: Int32Array.from(ids), targets: Int32Array.from(targets) } : counting(3).example(i),
  });
  for (const [ids, targets, message] of [
    [[1, 8, 1], [1, 1, 1], "example 3, position 1: ids must be whole numbers from 0 to 7, got the id 8"],
    [[1, 1, 1], [1, 1, 8], "example 3, position 2: targets must be whole numbers from 0 to 7"],
  ] as const) {
    const found = evaluate(languageModel(lm), source([...ids], [...targets]), { examples: 4, batchSize: 2 });
    await expect(found).rejects.toThrow(expect.objectContaining({ code: "DATA" }));
    await expect(found).rejects.toThrow(message);
  }
});

test("a model with a NaN weight gives a coded error and not the loss NaN", async () => {
  using lm = model();
  kernel.write(lm.parameters.get("backbone.norm_f.weight")!, 3, Float32Array.of(NaN));
  const found = evaluate(languageModel(lm), counting(12, 10), { first: 4, batchSize: 2 });
  await expect(found).rejects.toThrow(expect.objectContaining({ code: "NON_FINITE" }));
  await expect(found).rejects.toThrow("the loss of examples 4 to 5 is NaN");
  expect(() => evaluationOf(counting(), { loss: Infinity, correct: 0, targets: 1 }, 1)).toThrow(
    expect.objectContaining({ code: "NON_FINITE" }),
  );
});
