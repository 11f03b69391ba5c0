import type { MambaLM } from "@mamba/core";
import { type MambaLMConfigInput } from "@mamba/core";
import { type Kernel, type HostArray, quantizedTypes } from "@mamba/kernel";
import { ggufChunks, ggufContent, type GgufFileType, type GgufValue } from "../../src/index.ts";

export const allTypes = ["f32", "f16", "bf16", "i32", ...quantizedTypes] as const;
/** Rows of 256, so that the K types need no fallback but for dt_proj, whose rows have 16. */
export const small: MambaLMConfigInput = { vocabSize: 264, dModel: 256, nLayers: 1, dState: 4, dtRank: 16 };
/** Rows that are no whole blocks. */
export const odd: MambaLMConfigInput = {
  vocabSize: 299,
  padVocabSizeMultiple: 8,
  dModel: 16,
  nLayers: 2,
  dInner: 24,
  expand: 1.5,
  dState: 4,
  dConv: 3,
  dtRank: 2,
};

export const valuesOf = async (kernel: Kernel, model: MambaLM) => {
  const values = new Map<string, HostArray>();
  for (const [name, found] of model.parameters) values.set(name, (await kernel.read(found))[0] as HostArray);
  return values;
};

/** True when two arrays have the same bytes. Faster than `toEqual` by far. */
export const isSame = (a: HostArray | undefined, b: HostArray | undefined) =>
  a !== undefined &&
  b !== undefined &&
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

export async function bytesOf(model: MambaLM, type?: GgufFileType): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: BlobPart[] = [];
  for await (const chunk of ggufChunks(ggufContent(model, { type }).content)) chunks.push(chunk.slice());
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

export const text = (value: string): GgufValue => ({ type: "string", value });
