import { expect, test } from "vitest";
import { generate, GenerationState, type GenerateOptions } from "../src/index.ts";
import { collect, idsOf, letters, lively, small, someIds, uploadIds, withModel } from "./support.ts";

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
    const states = prompts.map((prompt) => GenerationState.start(model, prompt));
    const options = { temperature: 0, maxTokens: 12, stopIds: [stopId] };
    const stopped = await collect(generate(model, states, options));
    for (const row of [0, 1]) expect(idsOf(stopped, row)).toEqual(cut(idsOf(free, row)));
    expect(stopped.filter(({ row }) => row === 0).at(-1)?.finish).toBe("stop");
    // going on from the states gives the tokens that the uninterrupted run gave
    const next = await collect(generate(model, states, { temperature: 0, maxTokens: 3, stopIds: [] }));
    for (const row of [0, 1]) {
      const done = idsOf(stopped, row).length;
      const expected = idsOf(free, row).slice(done, done + 3);
      expect(idsOf(next, row).slice(0, expected.length)).toEqual(expected);
    }
    for (const state of states) state.dispose();
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

test("an abort stops between tokens and leaves a state to go on from", async () => {
  await withModel(async (model) => {
    const prompt = someIds(6);
    const whole = idsOf(await collect(generate(model, prompt, { temperature: 0, maxTokens: 8 })));
    using state = GenerationState.start(model, prompt);
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
    using state = GenerationState.start(model, prompt);
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
    expect(state.pending).toEqual(prompt.slice(16));
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
    using state = GenerationState.start(model, someIds(3));
    const live: unknown[] = [];
    for await (const token of generate(model, state, { maxTokens: 20 }))
      live.push([token.row, kernel.memory()]);
    // The first token has the prompt's memory, and with the last one the state is written back.
    expect(new Set(live.slice(1, -1).map((entry) => JSON.stringify(entry))).size).toBe(1);
  }, lively);
});

test("a row's tokens depend on its own seed and count, not on its row or its neighbours", async () => {
  await withModel(async (model) => {
    const prompts = [someIds(4), someIds(9, 2), someIds(6, 3)];
    const together = await collect(generate(model, prompts, { seed: 20, maxTokens: 12 }));
    for (const [row, prompt] of prompts.entries()) {
      const alone = await collect(generate(model, prompt, { seed: 20 + row, maxTokens: 12 }));
      expect(idsOf(alone)).toEqual(idsOf(together, row));
      expect(together.find((token) => token.row === row)?.seed).toBe(20 + row);
    }
  }, lively);
});

test("without a seed each run has one of its own, which repeats it", async () => {
  await withModel(async (model) => {
    const run = (options: GenerateOptions = {}) =>
      collect(generate(model, someIds(5), { maxTokens: 12, ...options }));
    const [first, second] = [await run(), await run()];
    expect(idsOf(first)).not.toEqual(idsOf(second));
    expect(idsOf(await run({ seed: first[0]?.seed }))).toEqual(idsOf(first));
    expect(new Set(first.map(({ seed }) => seed)).size).toBe(1);
  }, lively);
});

test("one state serves one generation at a time", async () => {
  await withModel(async (model) => {
    using state = GenerationState.start(model, someIds(5));
    const first = generate(model, state, { maxTokens: 4 });
    await first.next();
    expect(state.isInUse).toBe(true);
    const inUse = expect.objectContaining({ code: "IN_USE" }) as Error;
    await expect(generate(model, state).next()).rejects.toThrow(inUse);
    expect(() => state.ids).toThrow(inUse);
    expect(() => state.append([1])).toThrow(inUse);
    expect(() => state.truncate(1)).toThrow(inUse);
    expect(() => state.clone()).toThrow(inUse);
    await first.return();
    expect(state.isInUse).toBe(false);
    expect(state.ids).toHaveLength(6);
    await expect(collect(generate(model, [state, state]))).rejects.toThrow(inUse);
    expect(state.isInUse).toBe(false);
  }, lively);
});

test.each(["onProgress", "processLogits", "allow"] as const)(
  "an error in %s leaves no memory behind",
  async (hook) => {
    await withModel(async (model) => {
      const throws = () => {
        throw new Error("from the hook");
      };
      using state = GenerationState.start(model, someIds(9));
      const options: GenerateOptions = { maxTokens: 3, chunkLength: 4, [hook]: throws };
      await expect(collect(generate(model, someIds(9), options))).rejects.toThrow("from the hook");
      await expect(collect(generate(model, state, options))).rejects.toThrow("from the hook");
      if (hook !== "onProgress") expect(state.pending).toHaveLength(9);
      const ids = idsOf(await collect(generate(model, state, { temperature: 0, maxTokens: 3 })));
      if (hook !== "onProgress") {
        expect(ids).toEqual(
          idsOf(await collect(generate(model, someIds(9), { temperature: 0, maxTokens: 3 }))),
        );
      }
    }, lively);
  },
);

test("weights with NaN end the generation with an error that names the sequence and the step", async () => {
  await withModel(async (model) => {
    const { kernel } = model;
    const gain = model.parameters.get("backbone.norm_f.weight");
    if (!gain) throw new Error("no norm");
    const [saved] = await kernel.read(gain);
    for (const bad of [NaN, Infinity]) {
      kernel.write(gain, 3, Float32Array.of(bad));
      for (const temperature of [0, 1]) {
        await expect(collect(generate(model, someIds(5), { temperature }))).rejects.toMatchObject({
          code: "NON_FINITE",
          message: expect.stringMatching(
            /sequence 0: .* after 5 ids, for its token 1,.*NaN or infinity/,
          ) as string,
        });
      }
    }
    kernel.write(gain, 0, saved as Float32Array);
  }, lively);
});

test.each([
  [null, {}, "the input must be token ids, text, a state, or a list of them, got null"],
  [[1n], {}, "token ids of the prompt must be whole numbers from 0 to 36, got 1n at position 0"],
  [[], {}, "there must be at least one prompt, got none"],
  [[99], {}, "token ids of the prompt must be whole numbers from 0 to 36, got 99"],
  [[[1], []], {}, "the prompt is empty"],
  ["text", {}, "needs the option tokenizer"],
  [[1], { topP: 0 }, "option topP must be a number above 0 and at most 1, got 0"],
  [[1], { temperature: -1 }, "option temperature must be a number >= 0, got -1"],
  [[1], { maxTokens: -1 }, "option maxTokens must be a whole number >= 0, got -1"],
  [[1], { chunkLength: 0 }, "option chunkLength must be a whole number >= 1, got 0"],
  [[1], { stop: ["x"] }, "option stop needs option tokenizer"],
  [[1], { max_new_tokens: 3 }, 'there is no option "max_new_tokens"; did you mean maxTokens?'],
  [[1], { beams: 3 }, 'there is no option "beams"; the options are maxTokens, '],
  [[1], { maxtokens: 3 }, 'there is no option "maxtokens"; did you mean maxTokens?'],
  [[1], { signal: {} }, "option signal must be an AbortSignal, got an object"],
  [[1], { seed: 0.5 }, "option seed must be a whole number, got 0.5"],
  [[1], { stopIds: "x" }, 'option stopIds must be an array of whole numbers, got "x"'],
  [[1], { tokenizer: {} }, "option tokenizer must be a Tokenizer, got an object"],
  [[1], { logitBias: { 37: 1 } }, "option logitBias must name ids from 0 to 36, got 37"],
  [[1], { logitBias: { 3: NaN } }, "option logitBias of id 3 must be a finite number, got NaN"],
  [[1], { logProbs: 38 }, "option logProbs must be at most 37, got 38"],
  [[1], { allow: { ids: [] } }, "option allow: no id is allowed"],
  [[1], { allow: { ids: [37] } }, "option allow must name ids from 0 to 36, got 37"],
  [[1], { allow: { mask: new Int32Array(3) } }, "the mask must be an Int32Array of 2 words, got 3 words"],
  [[1], { allow: () => ({ mask: new Int32Array(2) }) }, "option allow: no id is allowed"],
  [[1], { checkpoints: { every: 3 } }, 'there is no option "every"'],
  [[1], null, "expected an object of options, got null"],
] as const)("generate call %# is refused: %o, %o", async (input, options, message) => {
  await withModel(async (model) => {
    const tokens = collect(generate(model, input as unknown as number[], options as GenerateOptions));
    await expect(tokens).rejects.toThrow(message);
    await expect(tokens).rejects.toMatchObject({
      code: expect.stringMatching(/^(INPUT|OPTIONS)$/) as string,
    });
  });
});
