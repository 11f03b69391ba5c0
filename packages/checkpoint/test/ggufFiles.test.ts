import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { MambaLM, type MambaLMConfigInput } from "@mamba/core";
import { describe, expect, test } from "vitest";
import {
  ggufContent,
  type GgufValue,
  inspectCheckpoint,
  inspectModel,
  loadCheckpoint,
  saveCheckpoint,
  saveGguf,
  writeGguf,
} from "../src/index.ts";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { odd } from "./support/ggufModelFiles.ts";

describe("finding the file", () => {
  const save = async (folder: string, names: readonly string[], input: MambaLMConfigInput = odd) => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, input, 7);
    for (const name of names) await saveGguf(model, join(folder, name), { name });
  };

  test("a folder with one file, a file of several by its name or type, a Blob", async () => {
    const folder = await temporaryFolder();
    const kernel = hostKernel();
    await save(folder, ["mamba.Q4_K_M.gguf"]);
    const nameOf = async (source: Parameters<typeof inspectCheckpoint>[0], file?: string) =>
      (await inspectCheckpoint(source, { file })).metadata?.get("general.name")?.value;
    expect(await nameOf(folder)).toBe("mamba.Q4_K_M.gguf");
    await save(folder, ["mamba.Q4_K.gguf", "mamba-q8_0.gguf"]);
    expect(await nameOf(folder, "Q4_K_M")).toBe("mamba.Q4_K_M.gguf");
    expect(await nameOf(folder, "q4_k")).toBe("mamba.Q4_K.gguf");
    expect(await nameOf(folder, "mamba-q8_0.gguf")).toBe("mamba-q8_0.gguf");
    expect(await nameOf(join(folder, "mamba-q8_0.gguf"))).toBe("mamba-q8_0.gguf");
    const ambiguous = await refusal(() => inspectCheckpoint(folder));
    expect(ambiguous.code).toBe("AMBIGUOUS");
    for (const name of ["mamba.Q4_K_M.gguf", "mamba.Q4_K.gguf", "mamba-q8_0.gguf"])
      expect(ambiguous.message).toContain(name);
    const missing = await refusal(() => inspectCheckpoint(folder, { file: "Q5_K_M" }));
    expect(missing).toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("mamba-q8_0.gguf") as string,
    });
    const blob = new Blob([new Uint8Array(await readFile(join(folder, "mamba-q8_0.gguf")))]);
    expect(await nameOf(blob)).toBe("mamba-q8_0.gguf");
    expect((await inspectModel(blob)).kind).toBe("language");
    const loaded = await loadCheckpoint(kernel, folder, { file: "mamba.Q4_K.gguf" });
    expect(loaded.config.vocabSize).toBe(299);
    loaded.model.dispose();
  });

  test("safetensors weights come first, unless a file is named", async () => {
    const folder = await temporaryFolder();
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, odd, 7);
    await saveCheckpoint(model, folder);
    await save(folder, ["x.gguf"]);
    expect((await inspectCheckpoint(folder)).format).toBe("mamba");
    expect((await inspectCheckpoint(folder, { file: "x.gguf" })).format).toBe("gguf");
  });

  test("shards: all are found from any of them, and checked", async () => {
    const folder = await temporaryFolder();
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, odd, 7);
    const { content } = ggufContent(model);
    const parts = [content.tensors.slice(0, 5), content.tensors.slice(5, 12), content.tensors.slice(12)];
    const nameOf = (i: number) => join(folder, `m-Q8_0-0000${i + 1}-of-00003.gguf`);
    const write = async (i: number, change: Record<string, GgufValue> = {}) => {
      const own = {
        "split.no": { type: "u16", value: i },
        "split.count": { type: "u16", value: 3 },
        "split.tensors.count": { type: "i32", value: content.tensors.length },
        ...change,
      } as const;
      const metadata = new Map<string, GgufValue>([
        ...(i === 0 ? content.metadata : []),
        ...Object.entries(own),
      ]);
      await writeGguf(nameOf(i), { metadata, tensors: parts[i] ?? [] });
    };
    for (const i of [0, 1, 2]) await write(i);
    for (const source of [folder, nameOf(0), nameOf(2)]) {
      const loaded = await loadCheckpoint(kernel, source);
      using again = loaded.model;
      expect(again.config).toEqual(model.config);
    }
    const refused = async (source = folder) => refusal(() => inspectCheckpoint(source));
    await write(1, { "split.no": { type: "u16", value: 2 } });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.no is 2, expected 1") as string,
    });
    await write(1, { "split.count": { type: "u16", value: 4 } });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.count is 4") as string,
    });
    await write(1, { "split.tensors.count": { type: "i32", value: 4 } });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.tensors.count is 4") as string,
    });
    await write(1);
    await writeGguf(nameOf(2), {
      metadata: new Map(
        Object.entries({
          "split.no": { type: "u16", value: 2 },
          "split.count": { type: "u16", value: 3 },
          "split.tensors.count": { type: "i32", value: content.tensors.length },
        } as Record<string, GgufValue>),
      ),
      tensors: [...(parts[2] ?? []), ...(parts[0]?.slice(0, 1) ?? [])],
    });
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("in another shard") as string,
    });
    await rename(nameOf(2), join(folder, "elsewhere"));
    expect(await refused()).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("missing") as string,
    });
    expect(await refused(nameOf(0))).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("missing") as string,
    });
    await rename(nameOf(0), join(folder, "alone.gguf"));
    expect(await refused(join(folder, "alone.gguf"))).toMatchObject({
      code: "INDEX",
      message: expect.stringContaining("split.count is 3") as string,
    });
  });
});
