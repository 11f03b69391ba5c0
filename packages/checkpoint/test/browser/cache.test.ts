import { beforeEach, expect, test, vi } from "vitest";
import { clearCheckpointCache, loadCheckpoint } from "../../src/browser.ts";
import { hostKernel } from "../support/hostKernel.ts";
import { tinyFiles } from "../support/models.ts";

// Tests with the browser's own Cache Storage. test/browserEntry.test.ts has the others, in Node with a fake one.

const base = "https://models.example/tiny/";

/** Answers from memory in chunks of 1000 bytes. Returns the names of the requested files. */
function stubNetwork(files: Record<string, unknown>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    const name = url.slice(base.length);
    asked.push(name);
    const content = files[name];
    if (content === undefined) return Promise.resolve(new Response("no such file", { status: 404 }));
    const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 1000) controller.enqueue(bytes.slice(at, at + 1000));
        controller.close();
      },
    });
    return Promise.resolve(new Response(body, { headers: { "content-length": String(bytes.length) } }));
  });
  return asked;
}

beforeEach(async () => {
  await clearCheckpointCache();
});

test("fetched files and the absence of a file are cached; the second visit needs no network", async () => {
  const files = await tinyFiles();
  const asked = stubNetwork(files);
  const kernel = hostKernel();
  const first = await loadCheckpoint(kernel, base);
  expect(asked.filter((name) => name === "model.safetensors")).toHaveLength(1);
  expect(asked).toContain("tokenizer.json");
  const count = asked.length;
  const second = await loadCheckpoint(kernel, base);
  expect(asked).toHaveLength(count);
  for (const [name, tensor] of first.model.parameters) {
    const other = second.model.parameters.get(name);
    if (!other) throw new Error(name);
    const [a, b] = await kernel.read(tensor, other);
    expect(b).toEqual(a);
  }
  expect(await clearCheckpointCache()).toBe(true);
  await loadCheckpoint(kernel, base);
  expect(asked).toHaveLength(2 * count);
});

test("a file that ends early is an error, and is not cached", async () => {
  const files = await tinyFiles();
  const whole = files["model.safetensors"] as Uint8Array;
  const asked = stubNetwork(files);
  const { fetch } = globalThis;
  vi.stubGlobal("fetch", async (url: string) => {
    const response = await fetch(url);
    if (!url.endsWith(".safetensors")) return response;
    return new Response(whole.slice(0, 3000), { headers: { "content-length": String(whole.length) } });
  });
  await expect(loadCheckpoint(hostKernel(), base)).rejects.toMatchObject({ code: "TRUNCATED" });
  vi.stubGlobal("fetch", fetch);
  asked.length = 0;
  expect((await loadCheckpoint(hostKernel(), base)).config.dModel).toBe(16);
  expect(asked).toContain("model.safetensors");
});
