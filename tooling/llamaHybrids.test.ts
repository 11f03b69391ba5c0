import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/**
 * Not here: `lm-falcon-h1-norm`, whose table is the head as well: a GGUF holds it times the embedding's factor, which llama.cpp does
 * not undo in the head; and `lm-nemotron-h-latent`, whose experts work in a narrower space than the layer.
 */
const goldens = [
  "lm-mamba2",
  "lm-mamba2-groups",
  "lm-granite",
  "lm-granite-attention",
  "lm-granite-moe",
  "lm-falcon-h1",
  "lm-nemotron-h",
  "lm-nemotron-h-moe",
  "lm-jamba",
  "lm-jamba-moe",
];

describe.skipIf(missing !== undefined)(
  `hybrids in llama.cpp${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    it.each(goldens)("%s: logits to 1e-4, and the same greedy tokens", async (name) => {
      const source = `${root}packages/conformance/goldens/${name}`;
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
