import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { generate, GenerationState, loadState, MambaLM, modelFingerprint, saveState } from "../src/index.ts";
import { bytesSource, checksumKey, openSafetensors, safetensorsFile } from "../src/safetensors/index.ts";
import { withAttention } from "./historyMean.ts";
import { collect, lively, someIds, withModel } from "./support.ts";

// Files whose checksum is right, but whose content no state can have: from another program, or an attacker.

interface Parts {
  tensors: Map<string, { dtype: "F32" | "I32" | "U8"; shape: number[]; data: Uint8Array }>;
  metadata: Record<string, string>;
}

test("content that no state has is refused, though its checksum is right", async () => {
  await withModel(async (model, kernel) => {
    using state = GenerationState.start(model, someIds(5), { seed: 1 });
    await collect(generate(model, state, { maxTokens: 3 }));
    const good = await saveState(state);
    const before = kernel.memory();
    const refuse = async (edit: (parts: Parts) => void, message: string) => {
      const error = expect.objectContaining({
        code: "CACHE",
        message: expect.stringContaining(message) as string,
      }) as Error;
      await expect(loadState(model, await edited(good, edit))).rejects.toThrow(error);
    };
    const scan = "state.layers.1.mixer.scanState";
    const float = (parts: Parts, name: string) => new Float32Array(parts.tensors.get(name)!.data.buffer);
    const sequence = (value: unknown) => (parts: Parts) => {
      parts.metadata["sequences"] = JSON.stringify(value);
    };
    await refuse((parts) => (float(parts, scan)[4] = NaN), `${scan} holds NaN at element 4`);
    await refuse((parts) => (float(parts, scan)[0] = -Infinity), `${scan} holds -Infinity at element 0`);
    await refuse((parts) => parts.tensors.delete(scan), `there is no tensor ${scan}`);
    await refuse(
      (parts) => parts.tensors.get(scan)!.shape.reverse(),
      `${scan} must be F32 [1, 40, 5], got F32 [5, 40, 1]`,
    );
    await refuse((parts) => (parts.tensors.get(scan)!.dtype = "I32"), `${scan} must be F32`);
    await refuse(
      (parts) => parts.tensors.set("other", { dtype: "U8", shape: [1], data: new Uint8Array(1) }),
      'there is a tensor "other", which no sequence has',
    );
    await refuse(
      (parts) => (parts.tensors.get("sequences.0.ids")!.data[0] = 37),
      "sequence 0 has the id 37, the model ids below 37",
    );
    await refuse(
      (parts) => (parts.tensors.get("sequences.0.generated")!.data[1] = 2),
      "must hold 0 and 1, got 2",
    );
    await refuse((parts) => {
      parts.tensors.set("sequences.0.logits", { dtype: "F32", shape: [37], data: new Uint8Array(148) });
    }, "sequence 0 has logits and unread ids");
    await refuse(sequence([]), "it holds no sequences");
    await refuse(sequence({ nLayers: { toString: 0 } }), "it holds no sequences");
    await refuse(
      sequence([{ seed: { toString: 0 }, read: 1, text: null, checkpoints: [] }]),
      "sequence 0 must have a seed",
    );
    await refuse(
      sequence([{ seed: 1, read: -1, text: null, checkpoints: [] }]),
      "sequence 0 must have a seed",
    );
    await refuse(
      sequence([{ seed: 1, read: 9, text: null, checkpoints: [] }]),
      "sequence 0 has 8 ids, fewer than it has read",
    );
    await refuse(
      sequence([{ seed: 1, read: 7, text: { length: 9, snapshot: 1 }, checkpoints: [] }]),
      "fewer than it has read",
    );
    await refuse((parts) => (parts.metadata["sequences"] = "[".repeat(20_000)), "[JSON]");
    await refuse((parts) => (parts.metadata["sequences"] = '[{"seed":1,"seed":2}]'), "[DUPLICATE_KEY]");
    await refuse((parts) => (parts.metadata["fingerprint"] = ""), "saved with other weights");
    expect(kernel.memory()).toEqual(before);
    (await loadState(model, await edited(good, () => undefined))).dispose();
    expect((await modelFingerprint(model)).length).toBe(64);
  }, lively);
});

test("keys and values that do not fit what was read are refused", async () => {
  await using kernel = await createCpuKernel({ threads: 1 });
  using model = MambaLM.init(kernel, withAttention, 5);
  using state = GenerationState.start(model, someIds(5), { seed: 1 });
  await collect(generate(model, state, { maxTokens: 3 }));
  const good = await saveState(state);
  const before = kernel.memory();
  const keys = "sequences.0.state.layers.1.mixers.0.keys";
  const refuse = async (edit: (parts: Parts) => void, message: string) => {
    await expect(loadState(model, await edited(good, edit))).rejects.toMatchObject({
      code: "CACHE",
      message: expect.stringContaining(message) as string,
    });
  };
  await refuse((parts) => parts.tensors.delete(keys), `there is no tensor ${keys}`);
  await refuse(
    (parts) =>
      (parts.metadata["sequences"] = JSON.stringify([{ seed: 1, read: 6, text: null, checkpoints: [] }])),
    `${keys} must be F32 [6, 4], got F32 [7, 4]`,
  );
  await refuse(
    (parts) =>
      (parts.metadata["sequences"] = JSON.stringify([{ seed: 1, read: 0, text: null, checkpoints: [] }])),
    "which no sequence has",
  );
  await refuse(
    (parts) => (new Float32Array(parts.tensors.get(keys)!.data.buffer)[27] = NaN),
    `${keys} holds NaN at element 27`,
  );
  expect(kernel.memory()).toEqual(before);
});

async function edited(file: Uint8Array, edit: (parts: Parts) => void): Promise<Uint8Array> {
  const opened = await openSafetensors(bytesSource(file));
  const { [checksumKey]: _, ...metadata } = opened.metadata;
  const parts: Parts = { tensors: new Map(), metadata };
  for (const { name, dtype, shape } of opened.tensors.values()) {
    const data = await opened.read(name);
    parts.tensors.set(name, { dtype: dtype as "F32", shape: [...shape], data });
  }
  edit(parts);
  const tensors = [...parts.tensors].map(([name, { data, ...rest }]) => ({
    name,
    ...rest,
    bytes: () => data,
  }));
  const chunks: Uint8Array[] = [];
  const { chunks: written, patch } = safetensorsFile(tensors, parts.metadata);
  for await (const chunk of written) chunks.push(chunk);
  const bytes = Uint8Array.from(Buffer.concat(chunks));
  const checksum = await patch();
  bytes.set(checksum.bytes, checksum.offset);
  return bytes;
}
