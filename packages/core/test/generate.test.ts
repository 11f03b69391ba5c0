import { expect, test } from "vitest";
import {
  deserializeState,
  generate,
  GenerationState,
  type GenerateOptions,
  type GeneratedToken,
  MambaLM,
  redecoding,
  serializeState,
  type Tokenizer,
} from "../src/index.ts";
import { close, nmse, small, someIds, take, uploadIds, withModel } from "./support.ts";

// A head of its own and a wide start make the random model's choices vary from token to token.
const lively = { ...small, tieEmbeddings: false, initializerRange: 0.5 } as const;

const decodeLetters = (ids: readonly number[]) => ids.map((id) => String.fromCharCode(id + 64)).join("");
const letters: Tokenizer = {
  encode: (text) => Array.from(text, (c) => c.charCodeAt(0) - 64),
  decode: decodeLetters,
  decoder: redecoding(decodeLetters),
  stopIds: [],
  specialTokens: new Map(),
};

async function collect(stream: AsyncIterable<GeneratedToken>): Promise<GeneratedToken[]> {
  const tokens: GeneratedToken[] = [];
  for await (const token of stream) tokens.push(token);
  return tokens;
}

const idsOf = (tokens: readonly GeneratedToken[], row = 0) =>
  tokens.filter((token) => token.row === row).map((token) => token.id);

test("greedy generation is the argmax of one long forward", async () => {
  await withModel(async (model, kernel) => {
    const prompt = someIds(9);
    const tokens = await collect(generate(model, prompt, { temperature: 0, maxTokens: 12, chunkLength: 4 }));
    const ids = idsOf(tokens);
    expect(ids).toHaveLength(12);
    expect(new Set(ids).size).toBeGreaterThan(3);
    expect(tokens.at(-1)?.finish).toBe("length");
    using all = uploadIds(kernel, [[...prompt, ...ids]]);
    using logits = model.forward(all);
    using rows = kernel.reshape(logits, [21, small.vocabSize]);
    using best = kernel.argmax(rows);
    const [choices] = await kernel.read(best);
    expect(Array.from(choices as Int32Array).slice(8, 20)).toEqual(ids);
  }, lively);
});

test("rows of a batch with different lengths give what each gives alone", async () => {
  await withModel(async (model) => {
    const prompts = [someIds(3), someIds(17, 2), someIds(8, 3)];
    const options: GenerateOptions = { temperature: 0, maxTokens: 10, chunkLength: 5 };
    const together = await collect(generate(model, prompts, options));
    for (const [row, prompt] of prompts.entries()) {
      expect(idsOf(together, row)).toEqual(idsOf(await collect(generate(model, prompt, options))));
    }
  }, lively);
});

test("a row that ends leaves the others alone, and its own state where it ended", async () => {
  await withModel(async (model) => {
    const prompts = [someIds(4), someIds(6, 2)];
    const free = await collect(generate(model, prompts, { temperature: 0, maxTokens: 12 }));
    const stopId = idsOf(free, 0)[2] as number;
    const cut = (ids: number[]) => (ids.includes(stopId) ? ids.slice(0, ids.indexOf(stopId) + 1) : ids);
    using state = GenerationState.start(model, prompts);
    const options = { temperature: 0, maxTokens: 12, stopIds: [stopId] };
    const stopped = await collect(generate(model, state, options));
    for (const row of [0, 1]) expect(idsOf(stopped, row)).toEqual(cut(idsOf(free, row)));
    expect(stopped.filter(({ row }) => row === 0).at(-1)?.finish).toBe("stop");
    // going on from the state gives the tokens that the uninterrupted run gave
    const next = await collect(generate(model, state, { temperature: 0, maxTokens: 3, stopIds: [] }));
    for (const row of [0, 1]) {
      const done = idsOf(stopped, row).length;
      const expected = idsOf(free, row).slice(done, done + 3);
      expect(idsOf(next, row).slice(0, expected.length)).toEqual(expected);
    }
  }, lively);
});

test("sampling depends on the seed alone, and options narrow it", async () => {
  await withModel(async (model) => {
    const run = async (options: GenerateOptions) =>
      idsOf(await collect(generate(model, someIds(5), { maxTokens: 30, ...options })));
    const first = await run({ seed: 1 });
    expect(await run({ seed: 1 })).toEqual(first);
    expect(await run({ seed: 2 })).not.toEqual(first);
    const greedy = await run({ temperature: 0 });
    expect(await run({ topK: 1, seed: 3 })).toEqual(greedy);
    expect(await run({ topP: 1e-6, seed: 3 })).toEqual(greedy);
    expect(await run({ minP: 1, seed: 3 })).toEqual(greedy);
    expect(await run({ temperature: 1e-4, seed: 3 })).toEqual(greedy);
  }, lively);
});

test("a large repetition penalty with greedy choice repeats nothing while there is a positive alternative", async () => {
  await withModel(async (model) => {
    const prompt = someIds(5);
    const plain = idsOf(await collect(generate(model, prompt, { temperature: 0, maxTokens: 14 })));
    const penalised = idsOf(
      await collect(generate(model, prompt, { temperature: 0, maxTokens: 14, repetitionPenalty: 1e6 })),
    );
    expect(new Set([...prompt, ...penalised]).size).toBeGreaterThan(new Set([...prompt, ...plain]).size);
    expect(new Set(penalised).size).toBe(penalised.length);
  }, lively);
});

test("interrupted, saved, restored: the text is that of one run", async () => {
  await withModel(async (model, kernel) => {
    const prompts = [someIds(7), someIds(4, 2)];
    const options: GenerateOptions = { seed: 11, repetitionPenalty: 1.3 };
    const whole = await collect(generate(model, prompts, { ...options, maxTokens: 16 }));
    using state = GenerationState.start(model, prompts);
    const head = await collect(generate(model, state, { ...options, maxTokens: 6 }));
    const bytes = await state.serialize();
    using elsewhere = MambaLM.init(kernel, lively, 5);
    using restored = GenerationState.deserialize(elsewhere, bytes);
    const tail = await collect(generate(elsewhere, restored, { ...options, maxTokens: 10 }));
    for (const row of [0, 1]) expect([...idsOf(head, row), ...idsOf(tail, row)]).toEqual(idsOf(whole, row));
  }, lively);
});

test("an abort stops between tokens and leaves a state to go on from", async () => {
  await withModel(async (model) => {
    const prompt = someIds(6);
    const whole = idsOf(await collect(generate(model, prompt, { temperature: 0, maxTokens: 8 })));
    using state = GenerationState.start(model, [prompt]);
    const controller = new AbortController();
    const got: number[] = [];
    const run = async () => {
      for await (const { id } of generate(model, state, { temperature: 0, signal: controller.signal })) {
        got.push(id);
        if (got.length === 3) controller.abort(new Error("enough"));
      }
    };
    await expect(run()).rejects.toThrow("enough");
    const rest = idsOf(await collect(generate(model, state, { temperature: 0, maxTokens: 5 })));
    expect([...got, ...rest]).toEqual(whole);
  }, lively);
});

test("an abort during prefill keeps what was consumed", async () => {
  await withModel(async (model) => {
    const prompt = someIds(40);
    const whole = idsOf(await collect(generate(model, prompt, { temperature: 0, maxTokens: 4 })));
    using state = GenerationState.start(model, [prompt]);
    const controller = new AbortController();
    const options: GenerateOptions = {
      temperature: 0,
      maxTokens: 4,
      chunkLength: 8,
      signal: controller.signal,
      onProgress: (done, total) => {
        expect(total).toBe(40);
        if (done === 16) controller.abort(new Error("enough"));
      },
    };
    await expect(collect(generate(model, state, options))).rejects.toThrow("enough");
    expect(state.pending[0]).toEqual(prompt.slice(16));
    expect(idsOf(await collect(generate(model, state, { temperature: 0, maxTokens: 4 })))).toEqual(whole);
  }, lively);
});

test("text in and out, with a stop string that spans tokens", async () => {
  await withModel(async (model) => {
    const options: GenerateOptions = { temperature: 0, maxTokens: 12, tokenizer: letters };
    const free = await collect(generate(model, "HELLO", options));
    const text = free.map((token) => token.text).join("");
    expect(text).toBe(letters.decode(idsOf(free)));
    const stop = text.slice(4, 6);
    const cut = await collect(generate(model, ["HELLO"], { ...options, stop: [stop] }));
    expect(cut.map((token) => token.text).join("")).toBe(text.slice(0, text.indexOf(stop)));
    expect(cut.at(-1)?.finish).toBe("stop");
  }, lively);
});

test("a decoded token allocates no device memory", async () => {
  await withModel(async (model, kernel) => {
    using state = GenerationState.start(model, [someIds(3)]);
    const live: unknown[] = [];
    for await (const token of generate(model, state, { maxTokens: 20 }))
      live.push([token.row, kernel.memory()]);
    expect(new Set(live.map((entry) => JSON.stringify(entry))).size).toBe(1);
  }, lively);
});

test("a state alone survives the trip through bytes", async () => {
  await withModel(async (model, kernel) => {
    using state = model.createState(1);
    using ids = uploadIds(kernel, [someIds(5)]);
    await take(kernel, model.forward(ids, { state }));
    using copy = deserializeState(kernel, model.backbone.state, await serializeState(state));
    const [next, again] = [
      model.forward(ids, { state, logits: "last" }),
      model.forward(ids, { state: copy, logits: "last" }),
    ];
    expect(nmse(await take(kernel, again), await take(kernel, next))).toBeLessThan(close);
  });
});

test("damaged state files are refused, never misread", async () => {
  await withModel(async (model) => {
    using state = GenerationState.start(model, [someIds(5)]);
    const good = await state.serialize();
    const refuse = (bytes: Uint8Array, message: string) => {
      expect(() => GenerationState.deserialize(model, bytes)).toThrow(
        expect.objectContaining({ code: "CACHE" }),
      );
      expect(() => GenerationState.deserialize(model, bytes)).toThrow(message);
    };
    const changed = (edit: (bytes: Uint8Array, view: DataView) => void) => {
      const bytes = good.slice();
      edit(bytes, new DataView(bytes.buffer));
      return bytes;
    };
    const headerEdit = (from: string, to: string) =>
      Uint8Array.from(Buffer.from(Buffer.from(good).toString("latin1").replace(from, to), "latin1"));
    refuse(new Uint8Array(0), "not a saved Mamba state");
    refuse(
      changed((bytes) => bytes.fill(0, 0, 1)),
      "not a saved Mamba state",
    );
    refuse(
      changed((_, view) => view.setUint32(8, 2, true)),
      "version is 2",
    );
    refuse(
      changed((_, view) => view.setUint32(12, 0xffffffff, true)),
      "does not fit",
    );
    refuse(good.subarray(0, good.length - 4), "bytes of data were expected");
    refuse(headerEdit('"dState":5', '"dState":6'), "dState is 6, the model has 5");
    refuse(headerEdit('"batch":1', '"batch":9'), "bytes of data were expected");
    refuse(headerEdit('"batch":1', '"batch":0'), "batch must be");
    refuse(headerEdit('"drawn":0', '"drawn":""'.slice(0, 9)), "header is not JSON");
    refuse(headerEdit('"pending":[[', '"pending":[7'), "header is not JSON");
    refuse(headerEdit('"seen":[[', '"seem":[['), "seen must be");
  });
});

test.each([
  [[], {}, "there must be at least one prompt, got none"],
  [[99], {}, "token ids of prompt 0 must be whole numbers from 0 to 36, got 99"],
  [[[1], []], {}, "prompt 1 is empty"],
  ["text", {}, "needs options.tokenizer"],
  [[1], { topP: 0 }, "option topP must be a number above 0 and at most 1, got 0"],
  [[1], { temperature: -1 }, "option temperature must be a number >= 0, got -1"],
  [[1], { maxTokens: 0 }, "option maxTokens must be a whole number >= 1, got 0"],
  [[1], { chunkLength: 0 }, "chunkLength must be a whole number >= 1, got 0"],
  [[1], { stop: ["x"] }, "option stop needs option tokenizer"],
])("generate(%j, %j) is refused", async (input, options, message) => {
  await withModel(async (model) => {
    await expect(collect(generate(model, input as number[], options))).rejects.toThrow(message);
  });
});
