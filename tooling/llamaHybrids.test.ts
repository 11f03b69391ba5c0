import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertCheckpoint, openSafetensors } from "@mamba/checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingPeers } from "./peers/install.mjs";
import { root } from "./workspace.mjs";

// Tiny models of each architecture, converted from the Hugging Face layout to GGUF, in llama.cpp: the logits of PyTorch in float64.

const missing = missingPeers();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mamba-llama-hybrids-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Golden {
  readonly prompts: readonly {
    readonly promptIds: readonly number[];
    readonly greedyIds: readonly number[];
    readonly logits: string;
  }[];
}

/** node-llama-cpp needs a tokenizer: that of the 96 symbols for the bytes from 32 on, without merges. */
const tokenizer = {
  version: "1.0",
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: "BPE",
    vocab: Object.fromEntries(
      Array.from({ length: 96 }, (_, i) => [
        i === 0 ? "\u0120" : i === 95 ? "\u0121" : String.fromCharCode(32 + i),
        i,
      ]),
    ),
    merges: [],
  },
};

const goldens = [
  "lm-mamba2",
  "lm-mamba2-groups",
  "lm-granite",
  "lm-granite-attention",
  "lm-granite-moe",
  "lm-falcon-h1",
  "lm-falcon-h1-norm",
  "lm-nemotron-h",
  "lm-nemotron-h-moe",
  "lm-nemotron-h-latent",
  "lm-jamba",
  "lm-jamba-moe",
];

describe.skipIf(missing !== undefined)(
  `hybrids in llama.cpp${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    it.each(goldens)("%s: logits to 1e-4, and the same greedy tokens", async (name) => {
      const golden = `${root}packages/conformance/goldens/${name}`;
      const source = join(folder, name);
      cpSync(golden, source, { recursive: true });
      writeFileSync(join(source, "tokenizer.json"), JSON.stringify(tokenizer));
      const path = join(folder, `${name}.gguf`);
      await convertCheckpoint(source, path, { type: "f32" });
      const { prompts } = JSON.parse(readFileSync(`${source}/expected.json`, "utf8")) as Golden;
      const [first] = prompts;
      if (first === undefined) throw new Error(`${name} has no prompt`);
      const { promptIds, greedyIds } = first;
      await using expected = await openSafetensors(`${source}/expected.safetensors`);
      const reference = new Float32Array((await expected.read(first.logits)).buffer);
      const ids = [...promptIds, ...greedyIds.slice(0, -1)];
      const [input, output] = [join(folder, "ids.json"), join(folder, "logits.f32")];
      writeFileSync(input, JSON.stringify(ids));
      execFileSync(process.execPath, [`${root}tooling/peers/llama.mjs`, "logits", path, input, output], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      const bytes = readFileSync(output);
      const found = new Float32Array(
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
      );
      expect(found).toHaveLength(reference.length);
      const worst = reference.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? NaN))),
        0,
      );
      expect(worst).toBeLessThan(1e-4);
      const vocabulary = reference.length / ids.length;
      const greedy = greedyIds.map((_, i) => {
        const at = (promptIds.length - 1 + i) * vocabulary;
        const row = found.subarray(at, at + vocabulary);
        return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
      });
      expect(greedy).toEqual(greedyIds);
    });
  },
);
