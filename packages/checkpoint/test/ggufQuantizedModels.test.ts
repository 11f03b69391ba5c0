import { join } from "node:path";
import { MambaLM, parameterSpecs } from "@mamba/core";
import { type QuantizedDType, quantizedTypes } from "@mamba/kernel";
import { checkBlocks, dequantize, quantize } from "@mamba/kernel/quantize";
import { describe, expect, test } from "vitest";
import {
  blobFiles,
  inspectCheckpoint,
  loadCheckpoint,
  openGguf,
  saveCheckpoint,
  saveGguf,
} from "../src/index.ts";
import { bytesSource } from "@mamba/core/safetensors";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { allTypes, small, valuesOf, isSame, bytesOf } from "./support/ggufModelFiles.ts";

describe("quantised files", () => {
  test.each(quantizedTypes)(
    "%s: blocks go to the kernel as they are, from the file and from floats",
    async (type) => {
      const kernel = hostKernel(allTypes);
      using model = MambaLM.init(kernel, small, 7);
      const path = join(await temporaryFolder(), "model.gguf");
      await saveGguf(model, path, { type });
      const fromFile = await loadCheckpoint(kernel, path);
      await saveGguf(model, path);
      const fromFloats = await loadCheckpoint(kernel, path, { dtype: type });
      using a = fromFile.model;
      using b = fromFloats.model;
      const [blocks, same, floats] = [
        await valuesOf(kernel, a),
        await valuesOf(kernel, b),
        await valuesOf(kernel, model),
      ];
      for (const [name, values] of blocks) expect(isSame(same.get(name), values), name).toBe(true);
      for (const { name, shape } of parameterSpecs(model.config)) {
        const dtype = a.parameters.get(name)?.dtype as QuantizedDType | "f32" | "f16";
        const isMatrix = /(embeddings|in_proj|x_proj|out_proj)\.weight$/.test(name);
        expect(dtype === "f32" || dtype === "f16", name).toBe(!isMatrix);
        if (!isMatrix || dtype === "f32" || dtype === "f16") continue;
        const expected = quantize(floats.get(name) as Float32Array, dtype, shape.at(-1) ?? 0);
        expect(isSame(blocks.get(name), expected), name).toBe(true);
        expect(checkBlocks(expected, dtype)).toBe(-1);
      }
      // Saved without a type, a quantised model keeps its blocks.
      await saveGguf(a, path);
      const again = await loadCheckpoint(kernel, path);
      using c = again.model;
      const kept = await valuesOf(kernel, c);
      for (const [name, values] of blocks)
        if (!name.endsWith("A_log")) expect(isSame(kept.get(name), values), name).toBe(true);
    },
  );

  test("dtype f32 dequantises; without it a kernel that has no such type says so", async () => {
    const kernel = hostKernel();
    const all = hostKernel(allTypes);
    using model = MambaLM.init(kernel, small, 7);
    const path = join(await temporaryFolder(), "model.gguf");
    await saveGguf(model, path, { type: "q4_k" });
    const error = await refusal(() => loadCheckpoint(kernel, path));
    expect(error).toMatchObject({ code: "DTYPE", message: expect.stringContaining('dtype "f32"') as string });
    const blocks = await loadCheckpoint(all, path);
    for (const dtype of ["f32", "f16"] as const) {
      const loaded = await loadCheckpoint(kernel, path, { dtype });
      using floats = loaded.model;
      const name = "backbone.layers.0.mixer.in_proj.weight";
      const [stored, expected] = [await valuesOf(kernel, floats), await valuesOf(all, blocks.model)];
      const values = dequantize(expected.get(name) as Uint8Array, "q4_k");
      if (dtype === "f32") expect(isSame(stored.get(name), values)).toBe(true);
      expect(floats.parameters.get(name)?.dtype).toBe(dtype);
    }
    const folder = await temporaryFolder();
    expect(await refusal(() => saveCheckpoint(blocks.model, folder))).toMatchObject({
      code: "DTYPE",
      message: expect.stringContaining("saveGguf") as string,
    });
    await saveCheckpoint(blocks.model, folder, { dtype: "f16" });
    expect(
      (await inspectCheckpoint(folder)).tensors.every(({ dtype }) => dtype === "F16" || dtype === "F32"),
    ).toBe(true);
    blocks.model.dispose();
  });

  test("a block whose scale is infinite is refused, whatever it is loaded as", async () => {
    const kernel = hostKernel(allTypes);
    using model = MambaLM.init(kernel, small, 7);
    const bytes = await bytesOf(model, "q8_0");
    await using file = await openGguf(bytesSource(bytes));
    const at = file.tensors.get("blk.0.ssm_in.weight")?.byteOffset ?? 0;
    bytes.set([0x00, 0x7c], at + 34 * 3);
    for (const dtype of [undefined, "f32", "q4_0"] as const) {
      const error = await refusal(() =>
        loadCheckpoint(kernel, blobFiles(new Map([["a.gguf", bytes]])), { dtype }),
      );
      expect(error).toMatchObject({
        code: "NON_FINITE",
        message: expect.stringContaining("blk.0.ssm_in.weight") as string,
      });
      expect(error.message).toContain("element 96");
    }
    expect(kernel.memory().tensors).toBe(model.parameters.size);
  });
});
