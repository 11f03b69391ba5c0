import { expect, test } from "vitest";
import {
  Decoder,
  type DecoderSequence,
  generate,
  GenerationState,
  prefill,
  type SequenceOptions,
  type SequenceToken,
} from "../src/index.ts";
import { collect, idsOf, letters, lively, someIds, uploadIds, withModel } from "./support.ts";

type Tokens = Map<DecoderSequence, SequenceToken[]>;

/** Steps until no sequence is active, at most `limit` times. */
async function run(decoder: Decoder, tokens: Tokens = new Map(), limit = 1000): Promise<Tokens> {
  const isActive = ({ status }: DecoderSequence) => status === "reading" || status === "writing";
  for (let steps = 0; steps < limit && decoder.sequences.some(isActive); steps++) {
    const step = await decoder.step();
    for (const { error } of step.failed) throw error;
    for (const { sequence, ...token } of step.tokens) {
      tokens.set(sequence, [...(tokens.get(sequence) ?? []), token]);
    }
  }
  return tokens;
}

const ids = (tokens: readonly SequenceToken[] = []) => tokens.map(({ id }) => id);

test("sequences that join and leave give what each gives alone", async () => {
  await withModel(async (model) => {
    using decoder = new Decoder(model, { capacity: 4, chunkLength: 6 });
    const requests = Array.from({ length: 12 }, (_, i) => ({
      prompt: someIds(1 + ((5 * i) % 17), i + 1),
      options: {
        seed: i,
        maxTokens: 1 + ((7 * i) % 11),
        temperature: i % 3 === 0 ? 0 : 1,
        ...(i % 4 === 1 && { repetitionPenalty: 1.3 }),
        ...(i % 4 === 2 && { frequencyPenalty: 0.5, presencePenalty: 0.25, logitBias: { 3: 1.5 } }),
      } satisfies SequenceOptions,
    }));
    const waiting = [...requests.entries()];
    const tokens: Tokens = new Map();
    const numbers = new Map<DecoderSequence, number>();
    while (waiting.length > 0) {
      while (decoder.free > 0) {
        const [next] = waiting.splice(0, 1);
        if (!next) break;
        numbers.set(decoder.add(next[1].prompt, next[1].options), next[0]);
      }
      await run(decoder, tokens, 1);
    }
    await run(decoder, tokens);
    expect(numbers.size).toBe(12);
    for (const [sequence, number] of numbers) {
      const { prompt, options } = requests[number]!;
      const alone = await collect(generate(model, prompt, options));
      expect(ids(tokens.get(sequence))).toEqual(idsOf(alone));
      expect(sequence.ids).toEqual([...prompt, ...idsOf(alone)]);
    }
  }, lively);
});

test("a long prompt does not stop the others, unless prompts come first", async () => {
  await withModel(async (model) => {
    const tokensUntilRead = async (promptsFirst: boolean) => {
      using decoder = new Decoder(model, { capacity: 2, chunkLength: 4, promptsFirst });
      const short = decoder.add(someIds(3), { seed: 1, maxTokens: 40 });
      await decoder.step();
      const long = decoder.add(someIds(30, 2), { seed: 2 });
      let count = 0;
      while (long.status === "reading") {
        const { tokens } = await decoder.step();
        count += tokens.filter(({ sequence }) => sequence === short).length;
      }
      return count;
    };
    expect(await tokensUntilRead(false)).toBe(8);
    expect(await tokensUntilRead(true)).toBe(1); // with the first token of the other
  }, lively);
});

test("a fork continues like its original with the same seed, and like an independent run with another", async () => {
  await withModel(async (model) => {
    const prompt = someIds(7);
    const whole = idsOf(await collect(generate(model, prompt, { seed: 5, maxTokens: 16 })));
    using decoder = new Decoder(model, { capacity: 3 });
    const first = decoder.add(prompt, { seed: 5, maxTokens: 16 });
    await run(decoder, new Map(), 6);
    expect(first.ids).toHaveLength(7 + 6);
    using snapshot = decoder.snapshot(first);
    const same = decoder.add(snapshot, { maxTokens: 10 });
    const other = decoder.add(snapshot, { seed: 99, maxTokens: 10 });
    const tokens = await run(decoder);
    expect(first.ids.slice(7)).toEqual(whole);
    expect(ids(tokens.get(same))).toEqual(whole.slice(6));
    expect(ids(tokens.get(other))).not.toEqual(whole.slice(6));
    using again = snapshot.clone({ seed: 99 });
    const alone = await collect(generate(model, again, { maxTokens: 10 }));
    expect(ids(tokens.get(other))).toEqual(idsOf(alone));
  }, lively);
});

test("prefill reads once, and copies of the state go on from there", async () => {
  await withModel(async (model) => {
    const prompt = someIds(11);
    using state = GenerationState.start(model, prompt, { seed: 1 });
    await prefill(model, state, { chunkLength: 4 });
    expect(state.pending).toEqual([]);
    for (const seed of [1, 2, 3]) {
      using copy = state.clone({ seed });
      const tokens = await collect(generate(model, copy, { maxTokens: 6 }));
      const alone = await collect(generate(model, prompt, { seed, maxTokens: 6, chunkLength: 4 }));
      expect(idsOf(tokens)).toEqual(idsOf(alone));
    }
    // A token that is read by a prefill is read as a generation reads it.
    const options = { temperature: 0, logProbs: 0 };
    const whole = await collect(generate(model, prompt, { ...options, maxTokens: 5 }));
    await collect(generate(model, state, { ...options, maxTokens: 2 }));
    await prefill(model, state);
    const rest = await collect(generate(model, state, { ...options, maxTokens: 3 }));
    expect(rest.map(({ id, logProb }) => [id, logProb])).toEqual(
      whole.slice(2).map(({ id, logProb }) => [id, logProb]),
    );
  }, lively);
});

test.each([undefined, { keep: 3 }, { everyTokens: 4 }])(
  "after truncate with checkpoints %j the text is that of the ids that are left",
  async (checkpoints) => {
    await withModel(async (model) => {
      const prompt = someIds(9);
      const options = { seed: 3, checkpoints };
      using state = GenerationState.start(model, prompt, { seed: 3 });
      const whole = idsOf(await collect(generate(model, state, { ...options, maxTokens: 14 })));
      for (const length of [20, 15, 12, 10, 9, 4, 1]) {
        state.truncate(length);
        expect(state.ids).toEqual([...prompt, ...whole].slice(0, length));
        using copy = state.clone();
        const [next, more] = idsOf(await collect(generate(model, copy, { ...options, maxTokens: 2 })));
        if (length >= 9) expect([next, more]).toEqual(whole.slice(length - 9, length - 7));
        const greedy = { temperature: 0, maxTokens: 5 };
        using again = state.clone();
        const cut = idsOf(await collect(generate(model, again, greedy)));
        expect(cut).toEqual(idsOf(await collect(generate(model, [...state.ids], greedy))));
      }
      state.truncate(0);
      await expect(collect(generate(model, state))).rejects.toThrow("the prompt is empty");
      state.append(prompt);
      expect(idsOf(await collect(generate(model, state, { ...options, maxTokens: 14 })))).toEqual(whole);
    }, lively);
  },
);

test("truncate to the end of a prompt needs no reading, with checkpoints", async () => {
  await withModel(async (model) => {
    using state = GenerationState.start(model, someIds(9), { seed: 3 });
    const checkpoints = { keep: 4 };
    const first = idsOf(await collect(generate(model, state, { checkpoints, maxTokens: 5 })));
    state.truncate(9);
    expect(state.pending).toEqual([]);
    expect(idsOf(await collect(generate(model, state, { checkpoints, maxTokens: 5 })))).toEqual(first);
    state.append(someIds(4, 2));
    await collect(generate(model, state, { checkpoints, maxTokens: 5 }));
    state.truncate(16);
    expect(state.pending).toHaveLength(7); // the second prompt ends at 18
    expect(() => state.truncate(17)).toThrow("truncate: length must be a whole number from 0 to 16, got 17");
  }, lively);
});

test("a checkpoint without logits leaves the one at its position, and one before others is in order", async () => {
  await withModel(async (model) => {
    using state = GenerationState.start(model, someIds(9), { seed: 3 });
    await collect(generate(model, state, { checkpoints: {}, maxTokens: 1 }));
    state.checkpoint();
    state.truncate(9);
    expect(state.pending).toEqual([]);
    // The state goes back to 9, before the checkpoint at 12, which has no logits, and keeps another one there.
    await collect(generate(model, state, { maxTokens: 4 }));
    state.checkpoint();
    state.truncate(12);
    expect(state.pending).toHaveLength(3);
    state.append(someIds(2));
    await prefill(model, state, { checkpoints: { at: [11] } });
    state.truncate(13);
    expect(state.pending).toHaveLength(1);
    state.truncate(11);
    expect(state.pending).toEqual([]);
  }, lively);
});

test("an abort or an error ends one sequence, and the others go on", async () => {
  await withModel(async (model) => {
    const whole = idsOf(await collect(generate(model, someIds(5), { seed: 1, maxTokens: 9 })));
    using decoder = new Decoder(model, { capacity: 4, chunkLength: 4 });
    const aborted = new AbortController();
    const first = decoder.add(someIds(20, 2), { seed: 0, signal: aborted.signal });
    const good = decoder.add(someIds(5), { seed: 1, maxTokens: 9 });
    const thrown = decoder.add(someIds(5), {
      seed: 1,
      processLogits: (_, { count }) => {
        if (count === 2) throw new Error("from the hook");
      },
    });
    const empty = decoder.add(someIds(5), { allow: ({ count }) => (count < 3 ? undefined : { ids: [] }) });
    await decoder.step();
    aborted.abort(new Error("enough"));
    const failed: [DecoderSequence, string][] = [];
    while (good.status !== "ended") {
      for (const { sequence, error } of (await decoder.step()).failed) failed.push([sequence, String(error)]);
    }
    expect(failed).toEqual([
      [first, "Error: enough"],
      [thrown, "Error: from the hook"],
      [empty, "MambaError: option allow: no id is allowed"],
    ]);
    expect(good.ids.slice(5)).toEqual(whole);
    expect([first, thrown, empty].map(({ status }) => status)).toEqual(["left", "left", "left"]);
    expect(() => decoder.snapshot(first)).toThrow(expect.objectContaining({ code: "INPUT" }));
  }, lively);
});

test("rows with NaN leave, and the others go on", async () => {
  await withModel(async (model) => {
    using decoder = new Decoder(model, { capacity: 3 });
    const prompts = [someIds(5), someIds(6, 2), someIds(7, 3)];
    const [first, second, third] = prompts.map((prompt, seed) => decoder.add(prompt, { seed, maxTokens: 6 }));
    decoder.remove(second!);
    const bad = decoder.add(prompts[1]!, {
      seed: 1,
      processLogits: (logits, { count }) => {
        if (count === 2) logits.fill(NaN);
      },
    });
    const tokens: Tokens = new Map();
    const failed = [];
    while (third!.status !== "ended") {
      const step = await decoder.step();
      failed.push(...step.failed);
      for (const { sequence, ...token } of step.tokens)
        tokens.set(sequence, [...(tokens.get(sequence) ?? []), token]);
    }
    expect(failed).toMatchObject([{ sequence: bad, error: { code: "NON_FINITE" } }]);
    expect(String(failed[0]?.error)).toContain("sequence 3: the logits after 8 ids, for its token 3");
    for (const [row, sequence] of [
      [0, first],
      [2, third],
    ] as const) {
      const alone = await collect(generate(model, prompts[row]!, { seed: row, maxTokens: 6 }));
      expect(ids(tokens.get(sequence!))).toEqual(idsOf(alone));
    }
  }, lively);
});

test("add, remove and dispose while a step is in progress", async () => {
  await withModel(async (model) => {
    const whole = idsOf(await collect(generate(model, someIds(5), { seed: 1, maxTokens: 4 })));
    using decoder = new Decoder(model, { capacity: 2 });
    const gone = decoder.add(someIds(4, 2), { seed: 0 });
    const stays = decoder.add(someIds(5), { seed: 1, maxTokens: 4 });
    await decoder.step();
    const step = decoder.step();
    await expect(decoder.step()).rejects.toMatchObject({ code: "IN_USE" });
    expect(() => decoder.snapshot(stays)).toThrow(expect.objectContaining({ code: "IN_USE" }));
    expect(() => decoder.add([1])).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    decoder.remove(gone);
    decoder.remove(gone);
    const late = decoder.add(someIds(5), { seed: 1, maxTokens: 4 });
    expect((await step).tokens.some(({ sequence }) => sequence === gone)).toBe(false);
    const tokens = await run(decoder);
    expect(stays.ids.slice(5)).toEqual(whole);
    expect(ids(tokens.get(late)).slice(-4)).toEqual(whole.slice(-ids(tokens.get(late)).length));
    const last = new Decoder(model, { capacity: 1 });
    last.add([1, 2, 3]);
    const pending = last.step();
    last.dispose();
    await pending;
    await expect(last.step()).rejects.toMatchObject({ code: "DISPOSED" });
    expect(() => last.add([1])).toThrow(expect.objectContaining({ code: "DISPOSED" }));
  }, lively);
});

test("penalties, bias, masks and hooks choose what the formulas say", async () => {
  await withModel(async (model, kernel) => {
    const prompt = someIds(6);
    const options = {
      temperature: 0,
      maxTokens: 10,
      repetitionPenalty: 1.2,
      frequencyPenalty: 0.4,
      presencePenalty: 0.3,
      logitBias: { 5: 2, 9: -1 },
    };
    const odd = Array.from({ length: 18 }, (_, i) => 2 * i + 1);
    const seen: number[] = [];
    const tokens = await collect(
      generate(model, prompt, {
        ...options,
        allow: { ids: odd },
        processLogits: (logits, { count }) => {
          seen.push(count);
          logits[7] = (logits[7] ?? 0) + 0.5;
        },
      }),
    );
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const generated: number[] = [];
    for (const { id } of tokens) {
      using all = uploadIds(kernel, [[...prompt, ...generated]]);
      using logits = model.forward(all, { logits: "last" });
      const [data] = await kernel.read(logits);
      const scores = Array.from(data as Float32Array, (value, v) => {
        let score = v === 7 ? value + 0.5 : value;
        if ([...prompt, ...generated].includes(v)) score = score > 0 ? score / 1.2 : score * 1.2;
        const count = generated.filter((other) => other === v).length;
        score -= 0.4 * count + (count > 0 ? 0.3 : 0);
        score += v === 5 ? 2 : v === 9 ? -1 : 0;
        return v % 2 === 1 ? score : -Infinity;
      });
      expect(id).toBe(scores.indexOf(Math.max(...scores)));
      generated.push(id);
    }
    expect(new Set(generated).size).toBeGreaterThan(2);
  }, lively);
});

test("log-probabilities are those of the model, for as many as each sequence wants", async () => {
  await withModel(async (model, kernel) => {
    using decoder = new Decoder(model, { capacity: 3 });
    const prompts = [someIds(5), someIds(5, 2), someIds(5, 3)];
    const sequences = prompts.map((prompt, i) =>
      decoder.add(prompt, { seed: i, maxTokens: 1, ...(i > 0 && { logProbs: 4 * (i - 1) }) }),
    );
    const tokens = await run(decoder);
    const [none, chosen, top] = sequences.map((sequence) => tokens.get(sequence)?.[0]);
    expect(none).not.toHaveProperty("logProb");
    for (const [row, token] of [
      [1, chosen],
      [2, top],
    ] as const) {
      using all = uploadIds(kernel, [prompts[row]!]);
      using logits = model.forward(all, { logits: "last" });
      const data = (await kernel.read(logits))[0] as Float32Array;
      const sum = Math.log(data.reduce((total, value) => total + Math.exp(value), 0));
      expect(token?.logProb).toBeCloseTo((data[token?.id ?? -1] ?? NaN) - sum, 4);
      const sorted = [...data.keys()].sort((a, b) => data[b]! - data[a]!).slice(0, 4 * (row - 1));
      expect(token?.topLogProbs?.map(({ id }) => id)).toEqual(sorted);
      token?.topLogProbs?.forEach(({ id, logProb }) => expect(logProb).toBeCloseTo(data[id]! - sum, 4));
    }
  }, lively);
});

test("text ends before stop strings, and what is uncertain is told apart", async () => {
  await withModel(async (model) => {
    using decoder = new Decoder(model, { capacity: 2 });
    const options = { temperature: 0, maxTokens: 12, tokenizer: letters };
    const free = decoder.add("HELLO", options);
    const text =
      (await run(decoder))
        .get(free)
        ?.map((token) => token.text)
        .join("") ?? "";
    expect(text).toBe(letters.decode(free.ids.slice(5)));
    const held = decoder.add("HELLO", { ...options, stop: [`${text.at(-1) ?? ""}!`] });
    const last = (await run(decoder)).get(held)?.at(-1);
    expect(last).toMatchObject({ finish: "length", text: "", rest: text.at(-1) });
  }, lively);
});

test.each([
  [{}, "option capacity is missing"],
  [{ capacity: 0 }, "Decoder: option capacity must be a whole number >= 1, got 0"],
  [{ capacity: 1, chunk: 3 }, 'there is no option "chunk"'],
])("new Decoder(model, %j) is refused", async (config, message) => {
  await withModel(async (model) => {
    expect(() => new Decoder(model, config as { capacity: number })).toThrow(message);
    await Promise.resolve();
  });
});
