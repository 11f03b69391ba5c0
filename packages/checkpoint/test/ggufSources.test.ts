import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MambaLM } from "@mamba/core";
import { bytesSource } from "@mamba/core/safetensors";
import { expect, test } from "vitest";
import { inspectCheckpoint as inspectInBrowser, loadCheckpoint as loadInBrowser } from "../src/browser.ts";
import {
  type CheckpointFiles,
  ggufContent,
  type GgufValue,
  inspectCheckpoint,
  loadCheckpoint,
  openGguf,
  saveGguf,
  writeGguf,
} from "../src/index.ts";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { commit, testHub } from "./support/hub.ts";
import { tinyFiles, tinyInput } from "./support/models.ts";
import { sendBytes, testServer } from "./support/server.ts";

/** GGUF files of the tiny model, with their names as names of the models. */
async function ggufFiles(names: readonly string[]): Promise<Record<string, Uint8Array>> {
  const folder = await temporaryFolder();
  using model = MambaLM.init(hostKernel(), tinyInput, 7);
  const files: Record<string, Uint8Array> = {};
  for (const name of names) {
    await saveGguf(model, join(folder, name), { name });
    files[name] = await readFile(join(folder, name));
  }
  return files;
}

const nameOf = async (summary: ReturnType<typeof inspectCheckpoint>) =>
  (await summary).metadata?.get("general.name")?.value;

test("a model on the hub: the file whose name has the type, and nothing else; then from the cache", async () => {
  const names = ["tiny.Q4_K_M.gguf", "tiny.Q8_0.gguf"];
  const hub = await testHub({
    ...(await ggufFiles(names)),
    "README.md": "#",
    "config.json": { model_type: "mamba" },
  });
  const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
  expect(await nameOf(inspectCheckpoint("org/tiny:Q8_0", options))).toBe("tiny.Q8_0.gguf");
  expect(hub.requests.filter((line) => line.includes("/resolve/"))).toEqual([
    `GET /org/tiny/resolve/${commit}/tiny.Q8_0.gguf`,
  ]);
  const loaded = await loadCheckpoint(hostKernel(), "org/tiny", { ...options, file: "tiny.Q4_K_M.gguf" });
  expect(loaded.label).toBe("org/tiny@01234567");
  loaded.model.dispose();

  const ambiguous = await refusal(() => inspectCheckpoint("org/tiny", options));
  expect(ambiguous.code).toBe("AMBIGUOUS");
  for (const name of names) expect(ambiguous.message).toContain(name);
  expect(await refusal(() => inspectCheckpoint("org/tiny:Q5_0", options))).toMatchObject({
    code: "NOT_FOUND",
  });

  const offline = { ...options, offline: true };
  expect(await nameOf(inspectCheckpoint("org/tiny:q4_k_m", offline))).toBe("tiny.Q4_K_M.gguf");
  expect((await refusal(() => inspectCheckpoint("org/tiny", offline))).code).toBe("AMBIGUOUS");
  expect((await refusal(() => inspectCheckpoint("org/tiny:Q5_0", offline))).code).toBe("NOT_FOUND");
});

test("a repository with safetensors: these without a file, a GGUF file by its type", async () => {
  const hub = await testHub({ ...(await tinyFiles()), ...(await ggufFiles(["tiny.Q8_0.gguf"])) });
  const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
  expect((await inspectCheckpoint("org/tiny", options)).format).toBe("mamba");
  expect((await inspectCheckpoint("org/tiny:Q8_0", options)).format).toBe("gguf");
  expect((await inspectCheckpoint("org/tiny", { ...options, offline: true })).format).toBe("mamba");
  expect((await inspectCheckpoint("org/tiny:Q8_0", { ...options, offline: true })).format).toBe("gguf");
});

test("names of files that leave the folder are never chosen", async () => {
  const [bytes] = Object.values(await ggufFiles(["x.gguf"]));
  const hub = await testHub({ "../x.gguf": bytes, "a/x.gguf": bytes, "..\\x.gguf": bytes });
  const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
  expect((await refusal(() => inspectCheckpoint("org/tiny", options))).code).toBe("NO_WEIGHTS");
  expect((await refusal(() => inspectCheckpoint("org/tiny:../x.gguf", options))).code).toBe("NOT_FOUND");
});

test("a URL, in Node and in a browser, with shards and with what allows the access", async () => {
  const folder = await temporaryFolder();
  const kernel = hostKernel();
  using model = MambaLM.init(kernel, tinyInput, 7);
  const { content } = ggufContent(model);
  for (const i of [0, 1]) {
    const own = new Map<string, GgufValue>([
      ...(i === 0 ? content.metadata : []),
      ["split.no", { type: "u16", value: i }],
      ["split.count", { type: "u16", value: 2 }],
      ["split.tensors.count", { type: "i32", value: content.tensors.length }],
    ]);
    const tensors = i === 0 ? content.tensors.slice(0, 9) : content.tensors.slice(9);
    await writeGguf(join(folder, `my model+1-0000${i + 1}-of-00002.gguf`), { metadata: own, tensors });
  }
  const seen: string[] = [];
  const server = await testServer((path, request, response) => {
    seen.push(request.url ?? "");
    readFile(join(folder, path.slice(1))).then(
      (bytes) => sendBytes(request, response, bytes),
      () => response.writeHead(404).end(),
    );
  });
  const url = `${server.url}/my%20model%2B1-00001-of-00002.gguf?token=1`;
  for (const load of [loadCheckpoint, loadInBrowser]) {
    for (const source of [url, new URL(url)]) {
      const loaded = await load(kernel, source);
      expect(loaded.config).toEqual(model.config);
      loaded.model.dispose();
    }
  }
  expect(seen.every((line) => line.endsWith(".gguf?token=1"))).toBe(true);
  expect((await inspectInBrowser(url)).files).toHaveLength(2);
  expect((await refusal(() => inspectCheckpoint(`${server.url}/none.gguf`))).code).toBe("NOT_FOUND");
});

test("an interrupted download goes on with a range, unless the file has changed", async () => {
  const [bytes = new Uint8Array(0)] = Object.values(await ggufFiles(["x.gguf"]));
  let requests: (string | undefined)[] = [];
  let version = '"1"';
  const server = await testServer((_, request, response) => {
    requests.push(request.headers.range);
    response.setHeader("etag", version);
    if (request.headers.range === undefined) {
      // The connection breaks in the middle of the header, or of the weights.
      response.setHeader("content-length", bytes.length);
      response.write(bytes.subarray(0, requests.length === 1 ? 700 : bytes.length - 5000), () =>
        response.destroy(),
      );
      return;
    }
    const from = Number(/\d+/.exec(request.headers.range)?.[0]);
    response.writeHead(206, {
      "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      "content-length": bytes.length - from,
    });
    response.end(bytes.subarray(from));
  });
  const kernel = hostKernel();
  const loaded = await loadCheckpoint(kernel, `${server.url}/x.gguf`);
  loaded.model.dispose();
  expect(requests).toEqual([undefined, "bytes=700-", undefined, `bytes=${bytes.length - 5000}-`]);

  requests = [];
  version = '"1"';
  const changing = await testServer((_, request, response) => {
    response.setHeader("etag", `"${requests.push("")}"`);
    response.setHeader("content-length", bytes.length);
    if (request.headers.range === undefined) response.write(bytes.subarray(0, 700), () => response.destroy());
    else sendBytes(request, response, bytes);
  });
  const error = await refusal(() => loadCheckpoint(kernel, `${changing.url}/x.gguf`));
  expect(error).toMatchObject({ code: "IO", message: expect.stringContaining("interrupted") as string });
  expect(kernel.memory().tensors).toBe(0);

  // A range of the right length from another place.
  const shifted = await testServer((_, request, response) => {
    response.setHeader("etag", '"1"');
    if (request.headers.range === undefined) {
      response.setHeader("content-length", bytes.length);
      response.write(bytes.subarray(0, 700), () => response.destroy());
      return;
    }
    response.writeHead(206, {
      "content-range": `bytes 0-${bytes.length - 701}/${bytes.length}`,
      "content-length": bytes.length - 700,
    });
    response.end(bytes.subarray(0, bytes.length - 700));
  });
  expect((await refusal(() => loadCheckpoint(kernel, `${shifted.url}/x.gguf`))).code).toBe("IO");
});

test("a path: links are followed, other files are refused by what they are", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "notes.txt"), "x");
  await writeFile(join(folder, "x.gguf"), "not a model");
  expect((await refusal(() => inspectCheckpoint(join(folder, "notes.txt")))).message).toContain(
    "expected a GGUF file",
  );
  expect(await refusal(() => inspectCheckpoint(join(folder, "x.gguf")))).toMatchObject({ code: "HEADER" });
  expect((await refusal(() => inspectCheckpoint(folder, { file: "y.gguf" }))).code).toBe("NOT_FOUND");
});

test("the header is read once, and a file of another size afterwards is refused", async () => {
  const [bytes = new Uint8Array(0)] = Object.values(await ggufFiles(["x.gguf"]));
  const { dataStart } = await openGguf(bytesSource(bytes));
  const offsets: number[] = [];
  let size = bytes.length;
  const place = (grows: number): CheckpointFiles => ({
    label: "here",
    list: () => Promise.resolve(["x.gguf"]),
    open(name) {
      if (name !== "x.gguf") return Promise.resolve(undefined);
      const source = bytesSource(bytes, name);
      const read: typeof source.read = (offset, into) => {
        offsets.push(offset);
        return source.read(offset, into);
      };
      const found = { ...source, size, read };
      size += grows;
      return Promise.resolve(found);
    },
  });
  const kernel = hostKernel();
  (await loadCheckpoint(kernel, place(0))).model.dispose();
  expect(offsets.filter((offset) => offset < dataStart)).toEqual([0]);
  expect(await refusal(() => loadCheckpoint(kernel, place(1)))).toMatchObject({
    code: "IO",
    message: expect.stringContaining("changed") as string,
  });
  expect(kernel.memory().tensors).toBe(0);
});
