import { expect, test } from "vitest";
import { byteTokenizer, generate, GenerationState, loadState, MambaError, saveState } from "../src/index.ts";
import { uniformAt } from "../src/random.ts";
import { collect, lively, someIds, withModel } from "./support.ts";

// Flipped bits, cuts, more bytes and other bytes, in the header and in the data. `pnpm fuzz` sets the seed and tries more.
const fuzzSeed = process.env["MAMBA_FUZZ_SEED"];
const seed = Number(fuzzSeed ?? 2);
const count = fuzzSeed === undefined ? 400 : 20_000;

test(
  `damage ${count} times, from seed ${seed}, is a coded error`,
  { timeout: 30_000 + 20 * count },
  async () => {
    await withModel(async (model, kernel) => {
      using state = GenerationState.start(model, someIds(5), { seed: 1 });
      await collect(generate(model, state, { maxTokens: 3, tokenizer: byteTokenizer(37) }));
      const good = await saveState(state);
      const before = kernel.memory();
      let draws = 0;
      const below = (count: number) => Math.floor(uniformAt(seed, draws++) * count);
      const headerBytes = 8 + Number(new DataView(good.buffer).getBigUint64(0, true));
      const damages: ((bytes: Uint8Array) => Uint8Array)[] = [
        (bytes) => {
          const at = below(2) === 0 ? below(headerBytes) : below(bytes.length);
          bytes[at] = bytes[at]! ^ (1 << below(8));
          return bytes;
        },
        (bytes) => bytes.subarray(0, below(bytes.length)),
        (bytes) => Uint8Array.from([...bytes, below(256)]),
        (bytes) => {
          bytes.set(
            Uint8Array.from({ length: 16 }, () => below(256)),
            below(bytes.length - 16),
          );
          return bytes;
        },
      ];
      for (let i = 0; i < count; i++) {
        const bytes = damages[i % damages.length]!(good.slice());
        if (Buffer.compare(bytes, good) === 0) continue;
        const error: unknown = await loadState(model, bytes).then(
          () => "accepted",
          (reason: unknown) => reason,
        );
        if (!MambaError.is(error, "CACHE")) throw new Error(`damage ${i}: ${String(error)}`);
      }
      expect(kernel.memory()).toEqual(before);
      (await loadState(model, good)).dispose();
    }, lively);
  },
);
