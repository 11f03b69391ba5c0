import { hubConfig, hubTensors } from "@mamba/checkpoint/browser";
import { safetensorsChunks } from "@mamba/core/safetensors";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { beforeAll, expect, test } from "vitest";
// eslint-disable-next-line no-restricted-imports -- the tiny chat models are no part of a package
import { chatModel, chatTokenizerFiles } from "../../../chat/test/support.ts";
import { openInWorker, openModel, RunError, type WorkerModel } from "../../src/browser.ts";

// A model in a worker of a browser. The pages are served with and without the headers that threads need.

let files: Map<string, Blob>;
let worker: Worker;
let model: WorkerModel;
beforeAll(async () => {
  await using kernel = await createCpuKernel({ threads: 1 });
  const { model: tiny } = chatModel(kernel);
  const values = async ({ name }: { name: string }) => {
    const [data] = await kernel.read(tiny.parameters.get(name)!);
    return data as Float32Array;
  };
  const tensors = hubTensors(tiny.config, { dtype: "f32", values });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of safetensorsChunks(tensors)) chunks.push(Uint8Array.from(chunk));
  const config = hubConfig(tiny.config, { dtype: "f32", stopIds: [], readsBytes: false });
  const tokenizer = [...chatTokenizerFiles()].map(
    ([name, bytes]) => [name, new Blob([Uint8Array.from(bytes)])] as const,
  );
  files = new Map<string, Blob>([
    ...tokenizer,
    ["config.json", new Blob([JSON.stringify(config)])],
    ["model.safetensors", new File(chunks, "model.safetensors")],
  ]);
  tiny.dispose();
  worker = new Worker(new URL("../../src/workerBrowser.ts", import.meta.url), { type: "module" });
  model = await openInWorker(files, { worker });
});

test("files are opened on the best backend, and gives the text of a model in the page", async () => {
  const threads = crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  expect(model.about).toMatchObject({ label: "the chosen files", backend: "cpu", hasChat: true });
  expect(model.about.device).toMatch(new RegExp(`, ${threads} threads?$`));
  await using local = await openModel(files, { backend: "cpu" });
  const ids: [number[], number[]] = [[], []];
  for await (const { id } of local.generate("Hi", { seed: 1, maxTokens: 20 })) ids[0].push(id);
  for await (const text of model.generate("Hi", { seed: 1, maxTokens: 20 })) ids[1].push(...text.ids);
  expect(ids[1]).toEqual(ids[0]);
});

test("an answer streams, and a signal ends it", async () => {
  await using chat = await model.chat({ maxTokens: 10_000 });
  const controller = new AbortController();
  const read = async () => {
    for await (const event of chat.send("Hi", { seed: 1, signal: controller.signal }))
      if (event.type === "text") controller.abort(new Error("enough"));
  };
  await expect(read()).rejects.toThrow("enough");
  expect(chat.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
});

test("a worker without a script, and a call without a worker, say so", async () => {
  const empty = new Worker("/no-such-file.js", { type: "module" });
  await expect(openInWorker(files, { worker: empty })).rejects.toMatchObject({
    code: "WORKER",
    message: "worker: its script could not be loaded",
  });
  await expect(openInWorker(files, {} as { worker: Worker })).rejects.toMatchObject({ code: "OPTIONS" });
});

test("a worker that is terminated rejects what waits, without an event of the browser", async () => {
  const waiting = model.generate("Hi", { maxTokens: 100_000, stopIds: [] });
  await waiting.next();
  worker.terminate();
  const rest = async () => {
    for await (const _ of waiting);
  };
  const error: unknown = await rest().catch((error: unknown) => error);
  expect(RunError.is(error, "WORKER") && error.message).toBe(
    "worker: it was terminated, or ran out of memory",
  );
  await expect(model.memory()).rejects.toBe(error);
});
