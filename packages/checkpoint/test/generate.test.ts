import { byteTokenizer, generate, MambaLM } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { loadCheckpoint, saveCheckpoint } from "../src/index.ts";
import { temporaryFolder } from "./support/folders.ts";
import { tinyInput } from "./support/models.ts";

test.each(["f32", "f16", "bf16"] as const)(
  "a model saved as %s and loaded again goes on the same way",
  async (dtype) => {
    await using kernel = await createCpuKernel({ threads: 1 });
    const folder = await temporaryFolder();
    using original = MambaLM.init(kernel, tinyInput, 3);
    await saveCheckpoint(original, folder, { dtype, tokenizer: byteTokenizer(300) });
    const runs: number[][] = [];
    for (let run = 0; run < 2; run++) {
      const { model, tokenizer } = await loadCheckpoint(kernel, folder);
      expect(model.parameters.get("backbone.embeddings.weight")?.dtype).toBe(dtype);
      expect(tokenizer).toMatchObject({ kind: "bytes", vocabSize: 256 });
      const ids: number[] = [];
      for await (const { id } of generate(model, "hello", { tokenizer, temperature: 0, maxTokens: 12 }))
        ids.push(id);
      runs.push(ids);
      await saveCheckpoint(model, folder, { tokenizer });
      model.dispose();
    }
    expect(runs[0]).toHaveLength(12);
    expect(runs[1]).toEqual(runs[0]);
  },
);
