import { expect, test } from "vitest";
import { fetchFile, inspectCheckpoint, loadCheckpoint, urlPlace } from "../src/browser.ts";
import { blobFiles } from "../src/sources/blob.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tinyFiles } from "./support/models.ts";
import { contentOf, sendBytes, testServer } from "./support/server.ts";

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

async function contentsOf(body: ReadableStream<Uint8Array> | undefined) {
  return new Uint8Array(await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}

test("the rest of a file is fetched with a range, while the file is the same", async () => {
  let etag = '"one"';
  const server = await testServer((_, request, response) => {
    sendBytes(request, response.setHeader("etag", etag), bytes);
  });
  const url = `${server.url}/a.bin`;
  const whole = await fetchFile(url);
  expect(whole).toMatchObject({ start: 0, size: 1000, version: '"one"' });
  expect(await contentsOf(whole?.body)).toEqual(bytes);

  const rest = await fetchFile(url, { received: 600, version: '"one"' });
  expect(rest).toMatchObject({ start: 600, size: 1000, version: '"one"' });
  expect(await contentsOf(rest?.body)).toEqual(bytes.subarray(600));
  expect(server.headers.at(-1)).toMatchObject({ range: "bytes=600-" });

  etag = '"two"';
  const changed = await fetchFile(url, { received: 600, version: '"one"' });
  expect(changed).toMatchObject({ start: 0, size: 1000, version: '"two"' });
  expect(await contentsOf(changed?.body)).toEqual(bytes);
});

test("a server without ranges sends the file again, and one without the file none", async () => {
  const server = await testServer((path, _, response) => {
    response.setHeader("etag", '"one"').writeHead(path === "/a.bin" ? 200 : 404);
    response.end(path === "/a.bin" ? bytes : "");
  });
  const again = await fetchFile(`${server.url}/a.bin`, { received: 600, version: '"one"' });
  expect(again?.start).toBe(0);
  expect(await contentsOf(again?.body)).toEqual(bytes);
  expect(await fetchFile(`${server.url}/b.bin`, { received: 600, version: '"one"' })).toBeUndefined();
});

test("the rest goes on after an interruption", async () => {
  const server = await testServer((_, request, response) => {
    const from = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
    response.writeHead(206, {
      etag: '"one"',
      "content-range": `bytes ${from}-999/1000`,
      "content-length": 1000 - from,
    });
    if (from === 600) response.write(bytes.subarray(600, 700), () => response.destroy());
    else response.end(bytes.subarray(from));
  });
  const rest = await fetchFile(`${server.url}/a.bin`, { received: 600, version: '"one"' });
  expect(await contentsOf(rest?.body)).toEqual(bytes.subarray(600));
  expect(server.headers.map(({ range }) => range)).toEqual(["bytes=600-", "bytes=700-"]);
});

test("the addresses of a place: any plain name in a folder, the shards of a GGUF file", () => {
  const folder = urlPlace("https://a.b/model?x#y");
  expect([folder.label, folder.names, folder.urlOf("config.json")]).toEqual([
    "https://a.b/model/",
    undefined,
    "https://a.b/model/config.json",
  ]);
  expect(() => folder.urlOf("../x")).toThrow("plain file name");
  const gguf = urlPlace("https://a.b/m-00001-of-00002.gguf?key=1");
  expect(gguf.names).toEqual(["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]);
  expect(gguf.urlOf("m-00002-of-00002.gguf")).toBe("https://a.b/m-00002-of-00002.gguf?key=1");
  expect(gguf.urlOf("config.json")).toBeUndefined();
});

test("the predicted memory of the weights is what they take", async () => {
  const files = blobFiles(
    new Map(Object.entries(await tinyFiles()).map(([name, content]) => [name, contentOf(content)])),
  );
  for (const dtype of [undefined, "f32", "bf16"] as const) {
    const kernel = hostKernel();
    const { stored } = await inspectCheckpoint(files, { kernel, dtype });
    expect(kernel.memory().bytes).toBe(0);
    const { model } = await loadCheckpoint(kernel, files, { dtype });
    expect(stored?.bytes).toBe(kernel.memory().bytes);
    expect(model.parameters.has(stored?.largest?.name ?? "")).toBe(true);
  }
});
