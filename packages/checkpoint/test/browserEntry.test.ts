import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { MambaLM } from "@mamba/core";
import { afterEach, expect, test, vi } from "vitest";
import {
  blobFiles,
  clearCheckpointCache,
  inspectCheckpoint,
  loadAdapter,
  loadCheckpoint,
  type Progress,
} from "../src/browser.ts";
import { refusal } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tensorsOf, tinyConfig, tinyFiles, tinyInput } from "./support/models.ts";
import { torchModel } from "./support/pickles.ts";
import { contentOf, sendBytes, testServer } from "./support/server.ts";

afterEach(() => vi.unstubAllGlobals());

/** Cache Storage as the standard has it, in memory. `quota` bytes at most. */
function stubCaches(quota = Infinity): Map<string, Map<string, Response>> {
  const all = new Map<string, Map<string, Response>>();
  vi.stubGlobal("caches", {
    open(name: string) {
      const entries = all.get(name) ?? new Map<string, Response>();
      all.set(name, entries);
      return Promise.resolve({
        match: (url: string) => Promise.resolve(entries.get(url)?.clone()),
        async put(url: string, response: Response) {
          const bytes = await response.arrayBuffer();
          if (bytes.byteLength > quota) throw new DOMException("quota", "QuotaExceededError");
          const { status, headers } = response;
          entries.set(url, new Response(status === 404 ? null : bytes, { status, headers }));
        },
      });
    },
    delete: (name: string) => Promise.resolve(all.delete(name)),
  });
  return all;
}

async function serve(files: Record<string, unknown>) {
  return testServer((path, request, response) => {
    const content = files[path.replace("/model/", "")];
    if (content === undefined) response.writeHead(404).end();
    else sendBytes(request, response, contentOf(content));
  });
}

test("an adapter loads from a URL", async () => {
  stubCaches();
  const golden = (name: string) =>
    readFile(new URL(`../../conformance/goldens/lora-tied/${name}`, import.meta.url));
  const names = ["adapter_config.json", "adapter_model.safetensors"];
  const contents = await Promise.all(names.map(golden));
  const server = await serve(
    Object.fromEntries(names.map((name, i) => [name, new Uint8Array(contents[i]!)])),
  );
  const config = { dModel: 16, nLayers: 3, vocabSize: 96, dState: 8, dtRank: 2 };
  using model = MambaLM.init(hostKernel(), config);
  using adapter = await loadAdapter(model, `${server.url}/model`);
  expect(adapter.config).toMatchObject({ rank: 4, alpha: 10, base: "lm-tied" });
  expect(adapter.parameters.size).toBe(3 * 4 * 2);
});

test("loads from a URL, with progress, and the second time without the network", async () => {
  stubCaches();
  const files = await tinyFiles();
  const server = await serve(files);
  const seen: Progress[] = [];
  const kernel = hostKernel();
  const first = await loadCheckpoint(kernel, `${server.url}/model`, { onProgress: (p) => seen.push(p) });
  const size = contentOf(files["config.json"]).length + contentOf(files["model.safetensors"]).length;
  const downloads = seen.filter(({ phase }) => phase === "download");
  expect(downloads.at(-1)).toMatchObject({ doneBytes: size, totalBytes: size });
  expect(seen.at(-1)).toMatchObject({ phase: "load", file: "model.safetensors" });
  expect(server.requests.filter((line) => line.endsWith("model.safetensors"))).toHaveLength(1);

  await server.close();
  const again = await loadCheckpoint(kernel, `${server.url}/model`);
  for (const [name, tensor] of first.model.parameters) {
    const other = again.model.parameters.get(name);
    if (!other) throw new Error(name);
    const [a, b] = await kernel.read(tensor, other);
    expect(b).toEqual(a);
  }
  expect(again.label).toBe(`${server.url}/model/`);
});

test("a page in place of a file, as servers of single-page apps send it, is no file", async () => {
  stubCaches();
  const files: Record<string, unknown> = await tinyFiles();
  const server = await testServer((path, request, response) => {
    const content = files[path.replace("/model/", "")];
    if (content !== undefined) sendBytes(request, response, contentOf(content));
    else response.setHeader("content-type", "text/html;charset=utf-8").end("<!doctype html>");
  });
  const { label } = await loadCheckpoint(hostKernel(), `${server.url}/model`);
  expect(label).toBe(`${server.url}/model/`);
  expect(await refusal(() => loadCheckpoint(hostKernel(), `${server.url}/other`))).toEqual({
    code: "NOT_FOUND",
    message: `${server.url}/other/: there is no config.json`,
  });
});

test("a pickle, whose directory is at its end, is downloaded once, and again and again without a cache", async () => {
  const files = { "config.json": tinyConfig, "pytorch_model.bin": await torchModel(tensorsOf(tinyInput)) };
  const server = await serve(files);
  const kernel = hostKernel();
  const downloads = () => server.requests.filter((line) => line.endsWith("pytorch_model.bin")).length;
  const uncached = await loadCheckpoint(kernel, `${server.url}/model`, { cache: false });
  expect(downloads()).toBeGreaterThan(1);
  stubCaches();
  for (const cache of ["refresh", true] as const) {
    const before = downloads();
    const { model } = await loadCheckpoint(kernel, `${server.url}/model`, { cache });
    expect(downloads() - before).toBe(cache === true ? 0 : 1);
    for (const [name, tensor] of model.parameters) {
      const [a, b] = await kernel.read(tensor, uncached.model.parameters.get(name)!);
      expect(b).toEqual(a);
    }
  }
});

test("refresh fetches anew; clearing forgets", async () => {
  const all = stubCaches();
  const server = await serve(await tinyFiles());
  await inspectCheckpoint(`${server.url}/model/`);
  const count = server.requests.length;
  await inspectCheckpoint(`${server.url}/model/`);
  expect(server.requests).toHaveLength(count);
  await inspectCheckpoint(`${server.url}/model/`, { cache: "refresh" });
  expect(server.requests).toHaveLength(2 * count);
  expect(await clearCheckpointCache()).toBe(true);
  expect(all.size).toBe(0);
  await inspectCheckpoint(`${server.url}/model/`, { cache: false });
  expect(all.size).toBe(0);
});

test("without Cache Storage, or above its quota, a model loads from the network, and a note says so", async () => {
  const server = await serve(await tinyFiles());
  const kernel = hostKernel();
  const insecure = await loadCheckpoint(kernel, `${server.url}/model/`);
  expect(insecure.notes).toContainEqual(expect.stringContaining("no Cache Storage"));
  stubCaches(1000);
  const full = await loadCheckpoint(kernel, `${server.url}/model/`);
  expect(full.notes).toContainEqual(expect.stringContaining("model.safetensors could not be cached"));
});

test("compressed answers and answers of unknown length load as well", async () => {
  const files = await tinyFiles();
  const server = await testServer((path, _, response) => {
    const content = files[path.slice(1)];
    if (content === undefined) return void response.writeHead(404).end();
    const bytes = contentOf(content);
    if (path.endsWith("json")) response.setHeader("content-encoding", "gzip").end(gzipSync(bytes));
    else response.write(bytes.subarray(0, 100), () => response.end(bytes.subarray(100)));
  });
  stubCaches();
  const seen: Progress[] = [];
  const loaded = await loadCheckpoint(hostKernel(), server.url, { onProgress: (p) => seen.push(p) });
  expect(loaded.config.dModel).toBe(16);
  expect(seen.filter(({ phase }) => phase === "download").at(-1)?.totalBytes).toBeUndefined();
});

test.each([
  ["a server error", 500, "IO", "answered 500"],
  ["no such place", 404, "NOT_FOUND", "no config.json"],
])("%s is told", async (_, status, code, words) => {
  const server = await testServer((_path, _request, response) => void response.writeHead(status).end());
  const error = await refusal(() => inspectCheckpoint(server.url));
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
});

test("an interrupted download is an error, is not cached, and leaves no tensors", async () => {
  const files = await tinyFiles();
  let broken = true;
  const server = await testServer((path, request, response) => {
    const content = files[path.slice(1)];
    if (content === undefined) return void response.writeHead(404).end();
    const bytes = contentOf(content);
    if (broken && path.endsWith("safetensors")) {
      response.setHeader("content-length", bytes.length);
      response.write(bytes.subarray(0, 3000), () => response.destroy());
    } else sendBytes(request, response, bytes);
  });
  const all = stubCaches();
  const kernel = hostKernel();
  expect(await refusal(() => loadCheckpoint(kernel, server.url))).toMatchObject({ code: "IO" });
  expect(kernel.memory().tensors).toBe(0);
  expect([...(all.values().next().value ?? [])].map(([url]) => url)).not.toContain(
    `${server.url}/model.safetensors`,
  );
  broken = false;
  expect((await loadCheckpoint(kernel, server.url)).config.dModel).toBe(16);
});

test("no connection and a bad URL are told; abort rejects with the reason", async () => {
  stubCaches();
  const server = await serve(await tinyFiles());
  const signal = AbortSignal.abort(new Error("changed my mind"));
  await expect(loadCheckpoint(hostKernel(), `${server.url}/model/`, { signal })).rejects.toThrow(
    "changed my mind",
  );
  await server.close();
  expect(await refusal(() => inspectCheckpoint(server.url))).toMatchObject({ code: "IO" });
  expect(await refusal(() => inspectCheckpoint("http://"))).toMatchObject({ code: "NOT_FOUND" });
});

test("the browser's entry imports no module of Node", async () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = await readFile(file, "utf8");
    for (const [, name = ""] of text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)) {
      if (name.startsWith(".")) await visit(join(dirname(file), name));
      else packages.add(name);
    }
  };
  await visit(join(import.meta.dirname, "../src/browser.ts"));
  expect([...packages].sort()).toEqual([
    "@huggingface/tokenizers",
    "@mamba/core",
    "@mamba/core/safetensors",
    "@mamba/kernel",
    "@mamba/kernel/quantize",
  ]);
  expect(seen.size).toBeGreaterThan(10);
});

test("loads from files that a user chose", async () => {
  const files = await tinyFiles();
  const blobs = new Map(
    Object.entries(files).map(([name, content]) => [name, new Blob([Uint8Array.from(contentOf(content))])]),
  );
  expect((await inspectCheckpoint(blobFiles(blobs))).config.dModel).toBe(16);
  const { model, label } = await loadCheckpoint(hostKernel(), blobFiles(blobs));
  expect([label, model.config.dModel]).toEqual(["the chosen files", 16]);

  const cut = new Map(blobs).set("model.safetensors", new Blob([new Uint8Array(4)]));
  expect(await refusal(() => loadCheckpoint(hostKernel(), blobFiles(cut)))).toMatchObject({
    code: "TRUNCATED",
  });
  blobs.delete("config.json");
  expect(await refusal(() => loadCheckpoint(hostKernel(), blobFiles(blobs, "two files")))).toMatchObject({
    code: "NOT_FOUND",
    message: "two files: there is no config.json",
  });
});

test("a chosen file that can no longer be read is an error of its own", async () => {
  const gone = new Blob(["{}"]);
  gone.slice = () => {
    throw new DOMException("the file was changed", "NotReadableError");
  };
  const files = blobFiles(new Map([["config.json", gone]]));
  expect(await refusal(() => loadCheckpoint(hostKernel(), files))).toMatchObject({ code: "IO" });
});

test("the absence of a GGUF file is not cached", async () => {
  const all = stubCaches();
  const files: Record<string, unknown> = {};
  const server = await serve(files);
  const url = `${server.url}/model/x.gguf`;
  expect((await refusal(() => inspectCheckpoint(url))).code).toBe("NOT_FOUND");
  files["x.gguf"] = "not a model";
  expect((await refusal(() => inspectCheckpoint(url))).code).toBe("HEADER");
  expect([...(all.get("mamba-checkpoints-v1")?.keys() ?? [])]).toEqual([url]);
});
