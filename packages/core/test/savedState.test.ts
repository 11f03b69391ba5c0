import { createCpuKernel } from "@mamba/kernel-cpu";
import { describe, expect, test } from "vitest";
import {
  byteTokenizer,
  Decoder,
  generate,
  type GenerateOptions,
  type GeneratedToken,
  GenerationState,
  loadState,
  loadStates,
  LoraAdapter,
  MambaLM,
  modelFingerprint,
  prefill,
  saveState,
  saveStates,
} from "../src/index.ts";
import { bytesSource, openSafetensors } from "../src/safetensors/index.ts";
import { collect, idsOf, lively, someIds, withModel } from "./support.ts";

const textOf = (tokens: readonly GeneratedToken[]) =>
  tokens.map(({ text, rest = "" }) => text + rest).join("");
const logProbsOf = (tokens: readonly GeneratedToken[]) => tokens.map(({ logProb }) => logProb);

describe("a continuation of a saved state equals the uninterrupted run", () => {
  // Bytes 128 to 255 make every kind of broken and whole character.
  const bytes = { ...lively, vocabSize: 256 } as const;

  test("ids, text and log-probabilities, for every split", async () => {
    await withModel(async (model) => {
      const tokenizer = byteTokenizer(256);
      const prompt = [65, 0xf0, 0x9f, 0x98];
      const options: GenerateOptions = {
        ...{ tokenizer, logProbs: 2, repetitionPenalty: 1.1, frequencyPenalty: 0.3, temperature: 1.2 },
        ...{ stop: ["\uFFFDA", "ab"], checkpoints: { everyTokens: 3 } },
        // Often a character of several bytes, so that splits fall into characters.
        processLogits: (logits, { ids }) => {
          const place = (ids.length - prompt.length) % 7;
          const emoji = [0xf0, 0x9f, 0x98, 0x80 + (ids.length % 3)];
          if (place < 4) logits[emoji[place] ?? 0] = 1e4;
        },
      };
      const count = 24;
      const whole = await collect(generate(model, prompt, { ...options, seed: 8, maxTokens: count }));
      expect(whole).toHaveLength(count);
      expect(textOf(whole)).toMatch(/[\u{1F600}-\u{1F602}]/u);
      for (let split = 1; split < count; split++) {
        using state = GenerationState.start(model, prompt, { seed: 8 });
        const head = await collect(generate(model, state, { ...options, maxTokens: split }));
        using restored = await loadState(model, await saveState(state));
        const tail = await collect(generate(model, restored, { ...options, maxTokens: count - split }));
        expect(idsOf([...head, ...tail])).toEqual(idsOf(whole));
        const text = head.map((token) => token.text).join("") + textOf(tail);
        expect(text).toBe(textOf(whole));
        expect(logProbsOf([...head, ...tail])).toEqual(logProbsOf(whole));
      }
    }, bytes);
  });

  test("on another kernel, in another row of a decoder, several in one file", async () => {
    await withModel(async (model) => {
      const prompts = [someIds(7), someIds(4, 2), someIds(12, 3)];
      const options: GenerateOptions = { repetitionPenalty: 1.3 };
      const whole = await collect(generate(model, prompts, { ...options, seed: 11, maxTokens: 16 }));
      const states = prompts.map((prompt, i) => GenerationState.start(model, prompt, { seed: 11 + i }));
      const head = await collect(generate(model, states, { ...options, maxTokens: 6 }));
      const saved = await saveStates(states);
      for (const state of states) state.dispose();

      await using kernel = await createCpuKernel({ threads: 2 });
      using elsewhere = MambaLM.init(kernel, lively, 5);
      const restored = await loadStates(elsewhere, saved);
      expect(restored).toHaveLength(3);
      using decoder = new Decoder(elsewhere, { capacity: 5 });
      decoder.add(someIds(3), { seed: 1 });
      await decoder.step();
      const sequences = [2, 0, 1].map((i) => decoder.add(restored[i]!, { ...options, maxTokens: 10 }));
      for (let i = 0; i < 10; i++) await decoder.step();
      sequences.forEach((sequence, i) => {
        const row = [2, 0, 1][i]!;
        expect(sequence.ids.slice(prompts[row]!.length)).toEqual(idsOf(whole, row));
      });
      expect(idsOf(head, 0)).toEqual(idsOf(whole, 0).slice(0, 6));
      for (const state of restored) state.dispose();
    }, lively);
  });

  test("before its prompt is read, in the middle of it, and after it", async () => {
    await withModel(async (model) => {
      const prompt = someIds(30);
      const options: GenerateOptions = { maxTokens: 8, chunkLength: 8 };
      const whole = idsOf(await collect(generate(model, prompt, { ...options, seed: 4 })));
      for (const stopAt of [0, 8, 16, 30]) {
        using state = GenerationState.start(model, prompt, { seed: 4 });
        const controller = new AbortController();
        if (stopAt === 0) controller.abort();
        const reading = prefill(model, state, {
          chunkLength: 8,
          signal: controller.signal,
          onProgress: (done) => {
            if (done === stopAt) controller.abort();
          },
        });
        if (stopAt < 30) await expect(reading).rejects.toThrow("abort");
        else await reading;
        using restored = await loadState(model, await saveState(state));
        expect(restored.pending).toHaveLength(30 - stopAt);
        expect(idsOf(await collect(generate(model, restored, options)))).toEqual(whole);
      }
    }, lively);
  });
});

test("the file is safetensors, with named tensors", async () => {
  await withModel(async (model) => {
    using state = GenerationState.start(model, someIds(5), { seed: 9 });
    await collect(generate(model, state, { maxTokens: 3 }));
    const file = await openSafetensors(bytesSource(await saveState(state)));
    expect([...file.tensors.keys()]).toEqual([
      ...[0, 1, 2].flatMap((layer) => [
        `state.layers.${layer}.mixer.scanState`,
        `state.layers.${layer}.mixer.convInputs`,
      ]),
      "sequences.0.ids",
      "sequences.0.generated",
    ]);
    expect(file.metadata).toMatchObject({ format: "mamba generation state", version: "3" });
    expect(file.metadata["fingerprint"]).toBe(await modelFingerprint(model));
    expect(Array.from(await file.read("sequences.0.generated"))).toEqual([0, 0, 0, 0, 0, 1, 1, 1]);
  }, lively);
});

const cache = (message: string | RegExp) =>
  expect.objectContaining({ code: "CACHE", message: expect.stringMatching(message) as string }) as Error;

test("a state of other weights, another adapter or another model is refused", async () => {
  await withModel(async (model, kernel) => {
    using state = GenerationState.start(model, someIds(5));
    await collect(generate(model, state, { maxTokens: 3 }));
    const saved = await saveState(state);
    using other = MambaLM.init(kernel, lively, 6);
    await expect(loadState(other, saved)).rejects.toThrow(cache("saved with other weights than those"));
    await expect(collect(generate(other, state))).rejects.toThrow(cache("belongs to another model"));

    using adapter = LoraAdapter.init(model, { rank: 2 }, 3);
    model.attach(adapter);
    await expect(loadState(model, saved)).rejects.toThrow(cache("saved with other weights than those"));
    await expect(collect(generate(model, state))).rejects.toThrow(cache("another adapter"));
    const withAdapter = await modelFingerprint(model);
    using stabilized = LoraAdapter.init(model, { rank: 2, rankStabilized: true }, 3); // equal numbers, another scale
    model.attach(stabilized);
    expect(await modelFingerprint(model)).not.toBe(withAdapter);
    model.detach();
    expect(idsOf(await collect(generate(model, state, { maxTokens: 3 })))).toHaveLength(3);

    const embedding = model.parameters.get("backbone.layers.1.mixer.A_log");
    if (!embedding) throw new Error("no A_log");
    const [values] = await kernel.read(embedding);
    kernel.write(embedding, 0, Float32Array.of(0.123));
    await expect(loadState(model, saved)).rejects.toThrow(cache("saved with other weights than those"));
    kernel.write(embedding, 0, values!);
    (await loadState(model, saved)).dispose();
  }, lively);
});

test("states of the older form and other files are refused with a remedy", async () => {
  await withModel(async (model) => {
    const text = (value: string) => new TextEncoder().encode(value);
    const refuse = (bytes: Uint8Array, message: string | RegExp) =>
      expect(loadState(model, bytes)).rejects.toThrow(cache(message));
    await refuse(text("MAMBASTA\x01\0\0\0"), "older version, which is not read; generate it again");
    await refuse(new Uint8Array(0), /TRUNCATED/);
    await refuse(text("GGUF and more"), /saved state/);
    const header = (json: string) => {
      const bytes = text(json);
      const file = new Uint8Array(8 + bytes.length);
      new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
      file.set(bytes, 8);
      return file;
    };
    await refuse(header("{}"), "not a saved state");
    await refuse(header('{"nLayers":{"toString":0}}'), /HEADER|DTYPE/);
    await refuse(header("[".repeat(20_000)), /JSON/);
    await refuse(
      header('{"__metadata__":{"format":"mamba generation state","version":"7"}}'),
      'its version is "7"',
    );
    const metadata = { format: "mamba generation state", version: "3" };
    await refuse(header(JSON.stringify({ __metadata__: metadata })), "it has no checksum");
    using state = GenerationState.start(model, [1]);
    using second = GenerationState.start(model, [2]);
    await refuse(await saveStates([state, second]), "expected one sequence, got 2");
    await expect(saveStates([])).rejects.toMatchObject({ code: "INPUT" });
  }, lively);
});
