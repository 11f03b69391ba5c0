/// <reference lib="dom" />
import { expect, test } from "vitest";
import type { Message } from "./conformanceWorker.ts";

const worker = new Worker(new URL("./conformanceWorker.ts", import.meta.url), { type: "module" });
const waiting = new Map<string, (error: string | undefined) => void>();

const started = await new Promise<Extract<Message, { names: unknown }>>((resolve, reject) => {
  worker.onerror = ({ message }) => {
    reject(new Error(`the worker failed: ${message}`));
  };
  worker.onmessage = ({ data }: MessageEvent<Message>) => {
    if ("names" in data) resolve(data);
    else waiting.get(data.ran)?.(data.error);
  };
});

test("the worker is isolated like the page, and uses threads exactly when they exist", () => {
  expect(started.isolated).toBe(crossOriginIsolated);
  const threads = crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 16) : 1;
  expect(started.device).toMatch(new RegExp(`, ${threads} threads?$`));
});

for (const name of started.names) {
  test(`in a worker: ${name}`, async () => {
    const error = await new Promise<string | undefined>((resolve) => {
      waiting.set(name, resolve);
      worker.postMessage(name);
    });
    if (error !== undefined) throw new Error(error);
  });
}
