import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { ChatError } from "@mamba/chat";
import { CheckpointError } from "@mamba/checkpoint";
import { KernelError } from "@mamba/kernel";
import { MambaError } from "@mamba/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openInWorker, openModel, type OpenProgress, RunError, type WorkerModel } from "../src/index.ts";
import { all, chatFolder } from "./support.ts";

// A model in a worker of Node: the program of the built package.

let place: Awaited<ReturnType<typeof chatFolder>>;
let bare: Awaited<ReturnType<typeof chatFolder>>;
let model: WorkerModel;
const cpu = { backend: "cpu", cpu: { threads: 1 } } as const;
beforeAll(async () => {
  place = await chatFolder();
  bare = await chatFolder({ template: null });
  model = await openInWorker(place.folder, cpu);
});
afterAll(async () => {
  await model.dispose();
  await place[Symbol.asyncDispose]();
  await bare[Symbol.asyncDispose]();
});

test("it gives the texts and answers of the same model in this thread", async () => {
  await using local = await openModel(place.folder, cpu);
  expect(model.about).toEqual(local.about);
  expect(model.about).toMatchObject({
    label: place.folder,
    backend: "cpu",
    hasTokenizer: true,
    hasChat: true,
  });
  const options = { seed: 3, maxTokens: 20 };
  const expected = await all(local.generate("Hello", options));
  const found = await all(model.generate("Hello", options));
  expect(found.map(({ text }) => text).join("")).toBe(expected.map(({ text }) => text).join(""));
  expect(found.flatMap(({ ids }) => ids)).toEqual(expected.map(({ id }) => id));
  expect([found[0]?.seed, found.at(-1)?.finish]).toEqual([3, expected.at(-1)?.finish]);

  using session = local.chat({ system: "Be short.", maxTokens: 12 });
  await using chat = await model.chat({ system: "Be short.", maxTokens: 12 });
  expect(chat.messages).toEqual([{ role: "system", content: "Be short." }]);
  const turn = async (ask: "send" | "edit" | "regenerate", seed: number) => {
    const events = (of: typeof session | typeof chat) =>
      ask === "send"
        ? of.send("Hi", { seed })
        : ask === "edit"
          ? of.edit(1, "Ho", { seed })
          : of.regenerate({ seed });
    const [here, there] = [await all(events(session)), await all(events(chat))];
    expect(there.at(-1)).toEqual(here.at(-1));
    expect(textOf(there)).toBe(textOf(here));
    expect(chat.messages).toEqual(session.messages);
  };
  await turn("send", 1);
  await turn("send", 2);
  await turn("regenerate", 3);
  await turn("edit", 4);
});

function textOf(events: readonly object[]): string {
  return events.map((event) => ("text" in event ? String(event.text) : "")).join("");
}

test("conversations fork, and are saved and restored, in this or another worker", async () => {
  await using chat = await model.chat({ maxTokens: 8 });
  await all(chat.send("One", { seed: 1 }));
  await using fork = await chat.fork();
  expect(fork.messages).toEqual(chat.messages);
  await all(fork.send("Two", { seed: 2 }));
  expect([chat.messages.length, fork.messages.length]).toEqual([2, 4]);
  const bytes = await chat.save();
  await using other = await openInWorker(place.folder, cpu);
  await using again = await other.restoreChat(bytes, { maxTokens: 8 });
  expect(bytes.length).toBeGreaterThan(0); // a copy was sent
  expect(again.messages).toEqual(chat.messages);
  await all(again.send("Two", { seed: 2 }));
  expect(again.messages).toEqual(fork.messages);
  await (await model.restoreChat(bytes, { transfer: true })).dispose();
  expect(bytes.length).toBe(0); // the bytes were moved
});

test("opening reports its progress, and files by their names need no folder", async () => {
  const names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
  const contents = await Promise.all(names.map((name) => readFile(`${place.folder}/${name}`)));
  const bytes = new Map(names.map((name, i) => [name, Uint8Array.from(contents[i]!)]));
  const blobs = new Map(names.map((name, i) => [name, new Blob([Uint8Array.from(contents[i]!)])]));
  const seen: OpenProgress[] = [];
  for (const source of [blobs, bytes]) {
    const onProgress = (progress: OpenProgress) => seen.push(progress);
    await using there = await openInWorker(source, { ...cpu, onProgress, transfer: true });
    expect(there.about.label).toBe("the chosen files");
  }
  expect(seen.at(-1)).toMatchObject({ phase: "load", done: seen.at(-1)?.total });
  expect([...bytes.values()].map(({ length }) => length)).toEqual([0, 0, 0, 0]);
});

test("errors keep their class, code and cause", async () => {
  const thrown = async (work: () => Promise<unknown>): Promise<Error> =>
    work().then(
      () => expect.fail("it did not throw"),
      (error: unknown) => error as Error,
    );
  const missing = await thrown(() => openInWorker("/no/such/folder", cpu));
  expect(CheckpointError.is(missing, "NOT_FOUND") && missing.message).toContain("/no/such/folder");
  const threads = { backend: "cpu", cpu: { threads: 99 } } as const;
  expect(KernelError.is(await thrown(() => openInWorker(place.folder, threads)), "ARGUMENT")).toBe(true);
  expect(MambaError.is(await thrown(() => all(model.generate([9999]))), "INPUT")).toBe(true);
  const unknown = await thrown(() => all(model.generate("a", { temprature: 1 } as object)));
  expect(MambaError.is(unknown, "OPTIONS") && unknown.message).toContain("temperature");
  const damaged = await thrown(() => model.restoreChat(new Uint8Array(9)));
  expect([ChatError.is(damaged, "SAVED"), damaged.name]).toEqual([true, "ChatError"]);
  await using untaught = await openInWorker(bare.folder, cpu);
  expect(untaught.about.hasChat).toBe(false);
  expect(ChatError.is(await thrown(() => untaught.chat()), "NO_TEMPLATE")).toBe(true);
});

test("options that cannot be sent, or that are unknown, are refused before anything runs", async () => {
  const allow = () => undefined;
  const refusal = async (work: () => Promise<unknown>) =>
    expect(work()).rejects.toMatchObject({
      code: "OPTIONS",
      message: expect.stringMatching(/allow|depth|open/) as string,
    });
  await refusal(() => all(model.generate("a", { allow } as object)));
  await using chat = await model.chat();
  await refusal(() => all(chat.send("a", { allow })));
  await refusal(() => openInWorker(place.folder, { ...cpu, depth: 3 } as object));
  await refusal(() => openInWorker({ label: "x", open: () => Promise.resolve(undefined) }, cpu));
  expect(chat.messages).toEqual([]);
});

test("a signal ends an answer, whose text stays; leaving the loop does so too", async () => {
  await using chat = await model.chat({ maxTokens: 100_000 });
  const reason = new Error("enough");
  const controller = new AbortController();
  const read = async () => {
    let text = "";
    for await (const event of chat.send("Go", { signal: controller.signal, seed: 1, stop: [] })) {
      if (event.type === "text") text += event.text;
      if (text.length > 5) controller.abort(reason);
    }
  };
  await expect(read()).rejects.toBe(reason);
  expect(chat.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
  for await (const event of chat.send("On", { seed: 1 })) if (event.type === "text") break;
  expect(chat.messages).toHaveLength(4);
  await expect(all(chat.send("No", { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  await expect(openInWorker(place.folder, { ...cpu, signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
});

test("a reader that stops holds the worker back", async () => {
  const { bytes } = await model.memory();
  const stream = model.generate("Hello", { maxTokens: 100_000, seed: 1, stopIds: [] });
  const first = await stream.next();
  expect(first.value).toMatchObject({ ids: [expect.any(Number)] });
  await new Promise((resolve) => setTimeout(resolve, 300));
  let ids = 0;
  for (let reports = 0; reports < 3; reports++) {
    const { value } = await stream.next();
    ids += value?.ids.length ?? 0;
  }
  // Two reports ahead, and the tokens that wait.
  expect(ids).toBeLessThanOrEqual(2 + 32 + 32);
  expect((await model.memory()).bytes).toBeGreaterThan(bytes);
  await stream.return();
  expect((await model.memory()).bytes).toBe(bytes);
});

test("a worker that ends rejects everything that waits, and later calls", async () => {
  const worker = new Worker(new URL("../dist/worker.js", import.meta.url));
  const doomed = await openInWorker(place.folder, { ...cpu, worker });
  const chat = await doomed.chat({ maxTokens: 100_000 });
  const answer = all(chat.send("Go", { stop: [] }));
  const text = all(doomed.generate("Go", { maxTokens: 100_000, stopIds: [] }));
  await doomed.memory();
  void worker.terminate();
  const results = await Promise.allSettled([answer, text, doomed.memory(), chat.save()]);
  for (const result of results) {
    expect(
      result.status === "rejected" && RunError.is(result.reason, "WORKER") && result.reason.message,
    ).toBe("worker: it ended with exit code 1");
  }
  await doomed.dispose();
  const crash = new Worker("setTimeout(() => { throw new TypeError('oops'); }, 10)", { eval: true });
  await expect(openInWorker(place.folder, { ...cpu, worker: crash })).rejects.toMatchObject({
    code: "WORKER",
    message: "worker: it failed: oops",
    cause: { message: "oops" },
  });
});

test("after dispose everything is refused, and what waits is rejected", async () => {
  const closing = await openInWorker(place.folder, cpu);
  const chat = await closing.chat();
  const waiting = all(closing.generate("Go", { maxTokens: 100_000, stopIds: [] }));
  waiting.catch(() => undefined);
  await closing.memory();
  await Promise.all([closing.dispose(), closing.dispose()]);
  await expect(waiting).rejects.toMatchObject({ code: "DISPOSED" });
  await expect(closing.memory()).rejects.toMatchObject({ code: "DISPOSED" });
  await expect(chat.save()).rejects.toMatchObject({ code: "DISPOSED" });
  await expect(all(chat.send("a"))).rejects.toMatchObject({ code: "DISPOSED" });
  await chat.dispose();
});
