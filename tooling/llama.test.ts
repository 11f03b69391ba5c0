import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufFileType, loadCheckpoint, saveGguf } from "@mamba/checkpoint";
import { byteTokenizer, MambaLM, type MambaLMConfigInput, resolveLMConfig } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { story } from "@mamba/tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingPeers } from "./peers/install.mjs";
import { root } from "./workspace.mjs";

// GGUF files that this project writes, in llama.cpp and here: the same ids, and logits after each of them.

const missing = missingPeers();
const demo = `${root}recipes/stories/demo-model`;

let folder: string;
let exact: Kernel;
let rounded: Kernel;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mamba-llama-"));
  exact = await createCpuKernel({ activations: "f32" });
  rounded = await createCpuKernel({ activations: "int8" });
});
afterAll(async () => {
  await exact.dispose();
  await rounded.dispose();
  rmSync(folder, { recursive: true });
});

/** Logits of a GGUF file after each id. */
async function ours(kernel: Kernel, path: string, ids: readonly number[]): Promise<Float32Array> {
  const { model } = await loadCheckpoint(kernel, path);
  using _model = model;
  using input = kernel.upload(Int32Array.from(ids), [1, ids.length], "i32");
  using logits = model.forward(input);
  const [values] = await kernel.read(logits);
  return values as Float32Array;
}

function theirs(path: string, ids: readonly number[]): Float32Array {
  const [input, output] = [join(folder, "ids.json"), join(folder, "logits.f32")];
  writeFileSync(input, JSON.stringify(ids));
  execFileSync(process.execPath, [`${root}tooling/peers/llama.mjs`, "logits", path, input, output], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const bytes = readFileSync(output);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

const largestDifference = (a: Float32Array, b: Float32Array) => {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
};

function normalisedError(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  let [error, size] = [0, 0];
  for (const [i, value] of b.entries()) {
    error += ((a[i] ?? NaN) - value) ** 2;
    size += value ** 2;
  }
  return error / size;
}

/** Ids of held-out text of the demo model, which reads bytes. */
const storyIds = () =>
  [...new TextEncoder().encode(Array.from({ length: 8 }, (_, i) => story(1, i)).join("\n"))].slice(0, 1000);

/** A model of random weights whose rows fill the blocks of every type, and ids for it. */
function randomModel(config: Partial<MambaLMConfigInput> = {}): MambaLM {
  return MambaLM.init(exact, resolveLMConfig({ dModel: 256, nLayers: 2, vocabSize: 256, ...config }), 3);
}
const randomIds = Array.from({ length: 40 }, (_, i) => (i * 97 + 5) % 256);

/** Top-1 agreement, and the mean of KL(reference || other) over positions. */
function compare(reference: Float32Array, other: Float32Array, vocabulary: number) {
  const positions = reference.length / vocabulary;
  let [same, divergence] = [0, 0];
  for (let at = 0; at < reference.length; at += vocabulary) {
    const [p, q] = [reference, other].map((rows) => logProbabilities(rows.subarray(at, at + vocabulary)));
    if (p === undefined || q === undefined) throw new Error("two rows expected");
    if (p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q))) same++;
    divergence += p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - (q[i] ?? NaN)), 0);
  }
  return { sameTop: same / positions, divergence: divergence / positions };
}

function logProbabilities(logits: Float32Array): number[] {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return [...logits].map((value) => value - largest - Math.log(sum));
}

async function written(model: MambaLM, type: GgufFileType): Promise<string> {
  const path = join(folder, `${type}.gguf`);
  await saveGguf(model, path, { type, tokenizer: byteTokenizer(256) });
  return path;
}

const quantized = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl", "q4_k", "q5_k", "q6_k"] as const;

describe("int8 activations beside f32, in the demo model over 1000 positions", () => {
  it.each(["q8_0", "q4_0"] as const)(
    "%s: the same token at 99 of 100 of them, mean KL at most 1e-3",
    async (type) => {
      const { model } = await loadCheckpoint(exact, demo);
      using _model = model;
      const path = await written(model, type);
      const ids = storyIds();
      const { sameTop, divergence } = compare(
        await ours(exact, path, ids),
        await ours(rounded, path, ids),
        256,
      );
      expect(sameTop).toBeGreaterThanOrEqual(0.99);
      expect(divergence).toBeLessThanOrEqual(1e-3);
    },
  );
});

describe.skipIf(missing !== undefined)(
  `beside llama.cpp${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    it("the demo model in f32: logits to 1e-4 over 1000 positions", async () => {
      const { model } = await loadCheckpoint(exact, demo);
      using _model = model;
      const path = await written(model, "f32");
      const ids = storyIds();
      expect(largestDifference(await ours(exact, path, ids), theirs(path, ids))).toBeLessThan(1e-4);
    });

    it("falcon_mamba, whose norms on delta, B and C have no weights, in f32: logits to 1e-4", async () => {
      using model = randomModel({ innerNorms: "unweighted", innerNormEps: 1e-5 });
      const path = await written(model, "f32");
      expect(largestDifference(await ours(exact, path, randomIds), theirs(path, randomIds))).toBeLessThan(
        1e-4,
      );
    });

    it.each(["f16", "bf16"] as const)("random weights in %s: NMSE below 1e-4", async (type) => {
      using model = randomModel();
      const path = await written(model, type);
      expect(normalisedError(await ours(exact, path, randomIds), theirs(path, randomIds))).toBeLessThan(1e-4);
    });

    it.each(quantized)(
      "random weights in %s: NMSE below 2e-3, with f32 and int8 activations",
      async (type) => {
        using model = randomModel();
        const path = await written(model, type);
        const reference = theirs(path, randomIds);
        expect(normalisedError(await ours(exact, path, randomIds), reference)).toBeLessThan(2e-3);
        expect(normalisedError(await ours(rounded, path, randomIds), reference)).toBeLessThan(2e-3);
      },
    );
  },
);
