import { KernelError } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test, vi } from "vitest";
import {
  Decoder,
  type DecoderSequence,
  generate,
  GenerationState,
  isHybrid,
  loadState,
  MambaLM,
  modelFingerprint,
  parameterSpecs,
  prefill,
  resolveLMConfig,
  saveState,
  Sequences,
  StackState,
  stateBytes,
} from "../src/index.ts";
import { historyMean, hybrid, onlyGrowing, withAttention } from "./historyMean.ts";
import { close, collect, idsOf, nmse, someIds, take, uploadIds, withModel } from "./support.ts";

const code = (name: string) => expect.objectContaining({ code: name }) as Error;

/** Logits [V] after each position of a row, whole and without a state. */
async function logitsOf(model: MambaLM, row: readonly number[]): Promise<Float32Array[]> {
  using ids = uploadIds(model.kernel, [row]);
  const data = await take(model.kernel, model.forward(ids));
  return row.map((_, i) => data.subarray(i * 37, (i + 1) * 37));
}

async function feed(
  model: MambaLM,
  state: StackState,
  rows: readonly (readonly number[])[],
): Promise<Float32Array> {
  using ids = uploadIds(model.kernel, rows);
  return await take(model.kernel, model.forward(ids, { state, logits: "last" }));
}

test.each([
  ["a mean over the history", hybrid],
  ["attention", withAttention],
])(
  "rows of different lengths, with %s: chunks and steps equal the whole, however the state grew",
  async (_, config) => {
    await withModel(async (model) => {
      const rows = [someIds(90, 1), someIds(90, 2), someIds(90, 3)];
      const expected = await Promise.all(rows.map((row) => logitsOf(model, row)));
      using state = model.createState(3);
      const check = (row: number, logits: Float32Array, at = 0) => {
        const read = state.lengths[row]!;
        expect(nmse(logits.subarray(at * 37, (at + 1) * 37), expected[row]![read - 1]!)).toBeLessThan(close);
      };
      const lengths = [17, 1, 60];
      for (const [row, length] of lengths.entries()) {
        using view = state.rows(row, 1);
        check(row, await feed(model, view, [rows[row]!.slice(0, length)]));
      }
      expect(state.lengths).toEqual(lengths);
      expect(state.capacity).toBe(64);
      for (const count of [3, 1, 5]) {
        const next = rows.map((row, i) => row.slice(state.lengths[i], state.lengths[i]! + count));
        const logits = await feed(model, state, next);
        for (const row of rows.keys()) check(row, logits, row);
      }
      expect(state.capacity).toBe(128);
      using pair = state.rows(1, 2);
      for (let i = 0; i < 4; i++) {
        using ids = model.kernel.upload(
          Int32Array.from([1, 2], (row) => rows[row]![state.lengths[row]!]!),
          [2],
          "i32",
        );
        const logits = await take(model.kernel, model.step(ids, pair));
        for (const at of [0, 1]) check(at + 1, logits, at);
      }
      expect(state.lengths).toEqual([26, 14, 73]);
      expect(pair.lengths).toEqual([14, 73]);
    }, config);
  },
);

test("copies have only what was read, and go on independently, also on another kernel", async () => {
  await withModel(async (model, kernel) => {
    const rows = [someIds(40, 1), someIds(40, 2)];
    const expected = await Promise.all(rows.map((row) => logitsOf(model, row)));
    using state = model.createState(2);
    await feed(
      model,
      state,
      rows.map((row) => row.slice(0, 6)),
    );
    using second = state.rows(1, 1);
    await feed(model, second, [rows[1]!.slice(6, 20)]);
    const data = await state.read();
    expect(data.map(({ length }) => length)).toEqual([2 * 16 * 3, 2 * 16 * 3, 26 * 8, 96, 96, 26 * 8]);

    await using other = await createCpuKernel({ threads: 1 });
    using elsewhere = MambaLM.init(other, hybrid, 5);
    using uploaded = StackState.upload(other, elsewhere.backbone.state, state.lengths, data);
    using copy = state.clone();
    using swapped = state.select([1, 0, 1]);
    using target = model.createState(2);
    await feed(
      model,
      target,
      rows.map((row) => row.slice(0, 1)),
    );
    target.copyFrom(state);
    expect([copy.capacity, swapped.capacity, state.capacity, target.capacity]).toEqual([20, 20, 64, 64]);
    expect(swapped.lengths).toEqual([20, 6, 20]);
    const next = (lengths: readonly number[], order: readonly number[]) =>
      order.map((row, i) => rows[row]!.slice(lengths[i], lengths[i]! + 3));
    for (const [found, owner, order] of [
      [uploaded, elsewhere, [0, 1]],
      [copy, model, [0, 1]],
      [swapped, model, [1, 0, 1]],
      [target, model, [0, 1]],
      [state, model, [0, 1]],
    ] as const) {
      const logits = await feed(owner, found, next(found.lengths, order));
      for (const [i, row] of order.entries()) {
        const wanted = expected[row]![found.lengths[i]! - 1]!;
        expect(nmse(logits.subarray(i * 37, (i + 1) * 37), wanted)).toBeLessThan(close);
      }
    }
    expect(kernel.memory().bytes).toBeGreaterThan(0);
  }, hybrid);
});

test("stateBytes is the memory of a state, constant without growing parts and linear with them", async () => {
  await withModel(async (model, kernel) => {
    for (const length of [0, 1, 5, 64, 65, 130]) {
      const before = kernel.memory().bytes;
      using state = model.createState(3, { maxLength: 200 });
      for (let read = 0; read < length; read += 65) {
        const chunk = someIds(Math.min(65, length - read));
        await feed(model, state, [chunk, chunk, chunk]);
      }
      expect(kernel.memory().bytes - before).toBe(stateBytes(model.config, 3, { length, maxLength: 200 }));
      expect(stateBytes(model.backbone, 3, { length })).toBe(
        3 * 4 * (2 * 96 + 2 * 8 * (length <= 1 ? 1 : 2 ** Math.max(6, Math.ceil(Math.log2(length))))),
      );
    }
    const plain = resolveLMConfig({ dModel: 8, nLayers: 2, vocabSize: 37, dState: 3 });
    expect(stateBytes(plain, 2, { length: 1e6 })).toBe(stateBytes(plain, 2));
  }, hybrid);
});

test.each([
  ["a mean over the history", hybrid],
  ["attention", withAttention],
])("sequences of a decoder with %s give what each gives alone", async (_, config) => {
  await withModel(async (model) => {
    using decoder = new Decoder(model, { capacity: 3, chunkLength: 5 });
    const requests = Array.from({ length: 8 }, (_, i) => ({
      prompt: someIds(i === 3 ? 61 : 1 + ((9 * i) % 23), i + 1),
      options: { seed: i, maxTokens: 2 + ((7 * i) % 9), temperature: i % 2 },
    }));
    const waiting = [...requests];
    const added: DecoderSequence[] = [];
    const { bytes } = model.kernel.memory();
    while (waiting.length > 0 || decoder.sequences.some(({ status }) => status !== "ended")) {
      while (decoder.free > 0 && waiting.length > 0) {
        const { prompt, options } = waiting.shift()!;
        added.push(decoder.add(prompt, options));
      }
      expect((await decoder.step()).failed).toEqual([]);
    }
    for (const sequence of decoder.sequences) decoder.remove(sequence);
    expect(model.kernel.memory().bytes).toBe(bytes); // the room for positions is free again
    for (const [i, { ids }] of added.entries()) {
      const { prompt, options } = requests[i]!;
      const alone = idsOf(await collect(generate(model, prompt, options)));
      expect(ids).toEqual([...prompt, ...alone]);
    }
  }, config);
});

test.each([
  [hybrid, undefined],
  [hybrid, { everyTokens: 3 }],
  [withAttention, { everyTokens: 3 }],
  [onlyGrowing, undefined],
  [onlyGrowing, { everyTokens: 3 }],
] as const)(
  "truncate, forks and saved states continue as the whole does: %#",
  async (config, checkpoints) => {
    await withModel(async (model) => {
      const prompt = someIds(9);
      const options = { seed: 3, checkpoints };
      using state = GenerationState.start(model, prompt, { seed: 3 });
      const whole = idsOf(await collect(generate(model, state, { ...options, maxTokens: 14 })));
      using kept = state.clone();
      for (const length of [20, 15, 12, 10, 9]) {
        state.truncate(length);
        if (config === onlyGrowing) expect(state.pending.length).toBeLessThanOrEqual(1);
        using fork = state.clone();
        using other = state.clone({ seed: 4 });
        using restored = await loadState(model, await saveState(state));
        const rest = { ...options, seed: undefined, maxTokens: 23 - length };
        await collect(generate(model, other, rest));
        expect(idsOf(await collect(generate(model, fork, rest)))).toEqual(whole.slice(length - 9));
        expect(idsOf(await collect(generate(model, restored, rest)))).toEqual(whole.slice(length - 9));
      }
      // The checkpoints that the copy shares with the truncated state are still those of the whole.
      kept.truncate(16);
      expect(idsOf(await collect(generate(model, kept, { ...options, maxTokens: 7 })))).toEqual(
        whole.slice(7),
      );
    }, config);
  },
);

test("a sequence at maxLength, or without memory to grow, ends with an error, and the others go on", async () => {
  await withModel(async (model, kernel) => {
    const whole = idsOf(await collect(generate(model, someIds(4), { seed: 1, maxTokens: 12 })));
    using decoder = new Decoder(model, { capacity: 3, maxLength: 20 });
    expect(() => decoder.add(someIds(21))).toThrow(code("LENGTH"));
    const long = decoder.add(someIds(18, 2), { seed: 2 });
    const good = decoder.add(someIds(4), { seed: 1, maxTokens: 12 });
    const failed = [];
    while (good.status === "reading" || good.status === "writing")
      failed.push(...(await decoder.step()).failed);
    expect(failed).toMatchObject([{ sequence: long, error: { code: "LENGTH" } }]);
    expect(long.ids).toHaveLength(21); // the token after 20 positions was chosen, but is not read
    expect(good.ids.slice(4)).toEqual(whole);
    const stream = generate(model, someIds(18, 2), { maxLength: 20 });
    await expect(collect(stream)).rejects.toThrow(code("LENGTH"));
    await expect(collect(generate(model, someIds(30), { maxLength: 20 }))).rejects.toThrow(code("LENGTH"));
    using state = GenerationState.start(model, someIds(30));
    await expect(prefill(model, state, { maxLength: 20 })).rejects.toThrow(code("LENGTH"));
    decoder.remove(good);

    using full = new Decoder(model, { capacity: 2 });
    const zeros = kernel.zeros.bind(kernel);
    const spy = vi.spyOn(kernel, "zeros").mockImplementation((shape, dtype) => {
      if ((shape[1] ?? 0) > 64) throw new KernelError("OUT_OF_MEMORY", "zeros: full");
      return zeros(shape, dtype);
    });
    try {
      const first = full.add(someIds(60, 2), { seed: 2 });
      const second = full.add(someIds(4), { seed: 1, maxTokens: 12 });
      const errors = [];
      while (second.status === "reading" || second.status === "writing")
        errors.push(...(await full.step()).failed);
      expect(errors).toMatchObject([{ sequence: first, error: { code: "OUT_OF_MEMORY" } }]);
      expect(first.ids).toHaveLength(65);
      expect(second.ids.slice(4)).toEqual(whole);
    } finally {
      spy.mockRestore();
    }
  }, hybrid);
});

test("a state that grows takes no sequences, and its bound holds", async () => {
  await withModel(async (model, kernel) => {
    using state = model.createState(1, { maxLength: 3 });
    using ids = uploadIds(kernel, [[1, 2, 3, 4]]);
    const sequences = Sequences.fromLengths([[4]]);
    expect(() => model.forward(ids, { state, sequences })).toThrow(code("UNSUPPORTED"));
    expect(() => model.forward(ids, { state })).toThrow(code("LENGTH"));
    expect(state.lengths).toEqual([0]);
    expect(() => state.rewind(1)).toThrow(code("CACHE"));
    expect(() => model.createState(1, { maxLength: 0 })).toThrow(code("OPTIONS"));
    expect(() => state.rows(0, 2)).toThrow(code("CACHE"));
    using other = model.createState(1);
    other.dispose();
    expect(() => other.tensors).toThrow(code("DISPOSED"));
    await kernel.sync();
  }, hybrid);
});

test("the config of a hybrid: defaults, rules, parameters, fingerprint", async () => {
  const config = resolveLMConfig({ dModel: 8, vocabSize: 12, layers: [{ mixer: historyMean() }] });
  expect(config).toMatchObject({
    nLayers: 1,
    padVocabSizeMultiple: 1,
    tieEmbeddings: true,
    rmsNormEps: 1e-5,
    initializerRange: 0.02,
    embeddingScale: 1,
    logitScale: 1,
    finalNorm: true,
  });
  expect(isHybrid(config)).toBe(true);
  expect(resolveLMConfig(config)).toEqual(config);
  expect(
    parameterSpecs({ ...config, finalNorm: false, tieEmbeddings: false }).map(({ name }) => name),
  ).toEqual([
    "backbone.embeddings.weight",
    "backbone.layers.0.norm.weight",
    "backbone.layers.0.mixer.proj.weight",
    "lm_head.weight",
  ]);
  for (const [wrong, message] of [
    [{ layers: [] }, "layers must be a list of at least one layer"],
    [{ layers: [{ mixer: {} }] }, "layers must be a list"],
    [{ nLayers: 2 }, "nLayers must be the number of layers, 1, got 2"],
    [{ dState: 3 }, 'there is no field "dState"'],
    [{ logitScale: NaN }, "logitScale must be a finite number, got NaN"],
    [{ vocabSize: 0 }, "vocabSize must be a whole number from 1 to 2^24"],
  ] as const) {
    expect(() => resolveLMConfig({ ...config, ...wrong } as never)).toThrow(message);
  }
  await using kernel = await createCpuKernel({ threads: 1 });
  const prints = await Promise.all(
    [1, 2].map(async (scale) => {
      using model = MambaLM.init(kernel, { ...hybrid, layers: [{ mixer: historyMean(scale) }] }, 5);
      return await modelFingerprint(model);
    }),
  );
  expect(prints[0]).not.toBe(prints[1]);
});
