import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveAdapter } from "@mamba/checkpoint";
import { LoraAdapter } from "@mamba/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel, type OpenOptions, type OpenProgress, RunError } from "../src/index.ts";
import { all, chatFolder, filesIn } from "./support.ts";

let place: Awaited<ReturnType<typeof chatFolder>>;
let folder: string;
beforeAll(async () => {
  place = await chatFolder();
  folder = await mkdtemp(join(tmpdir(), "mamba-run-"));
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const cpu = { backend: "cpu", cpu: { threads: 1 } } as const;
const open = (source: Parameters<typeof openModel>[0], options: OpenOptions = {}) =>
  openModel(source, { ...cpu, ...options });

test("a folder and its files give the same model", async () => {
  const seen: OpenProgress[] = [];
  await using model = await open(place.folder, { onProgress: (progress) => seen.push(progress) });
  expect(model.about).toEqual({
    label: place.folder,
    backend: "cpu",
    device: expect.stringMatching(/^WebAssembly SIMD.* 1 thread$/) as string,
    parameterCount: 13_040,
    vocabSize: 264,
    hasTokenizer: true,
    hasChat: true,
    notes: [],
  });
  expect(seen.at(-1)).toEqual({
    ...{ phase: "load", file: "model.safetensors" },
    ...{ done: seen.at(-1)?.total, total: seen.at(-1)?.total },
  });
  await using other = await open(await filesIn(place.folder), { dtype: "f32" });
  const text = async ({ generate }: Pick<typeof model, "generate">, from: typeof model) =>
    (await all(generate.call(from, "Hi", { seed: 1, maxTokens: 9 }))).map(({ id }) => id);
  expect(await text(other, other)).toEqual(await text(model, model));
});

test("the folder of an adapter opens its base; with its base it is an option", async () => {
  const adapterFolder = join(folder, "adapter");
  await mkdir(adapterFolder);
  await using base = await open(place.folder);
  {
    using adapter = LoraAdapter.init(base.model, { rank: 2, base: place.folder }, 3);
    // A new adapter changes nothing: its B is zero.
    for (const [name, tensor] of adapter.parameters) {
      const size = tensor.shape.reduce((product, extent) => product * extent, 1);
      if (name.endsWith("lora_B.weight")) base.kernel.write(tensor, 0, new Float32Array(size).fill(0.1));
    }
    await saveAdapter(base.model, adapter, adapterFolder);
  }
  const logits = async (model: typeof base) =>
    (await all(model.generate("Hi", { seed: 1, maxTokens: 1, logProbs: 3 })))[0];
  await using adapted = await open(adapterFolder);
  expect([adapted.label, adapted.model.adapter !== undefined, adapted.notes]).toEqual([
    place.folder,
    true,
    [],
  ]);
  await using attached = await open(place.folder, { adapter: adapterFolder });
  expect(await logits(attached)).toEqual(await logits(adapted));
  expect((await logits(base))?.logProb).not.toBe((await logits(adapted))?.logProb);
  await using copied = await open(await filesIn(place.folder), { adapter: await filesIn(adapterFolder) });
  expect(copied.notes).toEqual([`the adapter was made for ${place.folder}, the model is the chosen files`]);
  await writeFile(join(adapterFolder, "chat_template.jinja"), "its own");
  await using own = await open(adapterFolder);
  expect([...(own.tokenizer?.chatTemplates ?? [])]).toEqual([["default", "its own"]]);
  await expect(open(adapterFolder, { adapter: adapterFolder })).rejects.toMatchObject({ code: "OPTIONS" });
});

test("nothing stays open after a failure, an abort and dispose", async () => {
  await expect(open("/no/such/folder")).rejects.toMatchObject({ code: "NOT_FOUND" });
  const reason = new Error("enough");
  const controller = new AbortController();
  const opening = open(place.folder, {
    signal: controller.signal,
    onProgress: () => controller.abort(reason),
  });
  await expect(opening).rejects.toBe(reason);
  const model = await open(place.folder);
  const { kernel } = model;
  expect(kernel.memory().bytes).toBe(4 * 13_040);
  await model.dispose();
  await model.dispose();
  expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
});

test.each([
  [{ bakend: "cpu" }, 'openModel: there is no field "bakend"; did you mean backend?'],
  [{ backend: "metal" }, 'openModel: backend must be "auto" or "cuda" or "webgpu" or "cpu", got "metal"'],
  [{ cpu: { thread: 1 } }, 'openModel: cpu: there is no field "thread"; did you mean threads?'],
  [
    { adapter: 3 },
    "openModel: adapter must be a folder, a name, a URL, a Blob, or files by their names, got 3",
  ],
])("the options %j are refused", async (options, message) => {
  const error: unknown = await openModel(place.folder, options as object).catch((error: unknown) => error);
  expect(RunError.is(error, "OPTIONS") && error.message).toBe(message);
});
