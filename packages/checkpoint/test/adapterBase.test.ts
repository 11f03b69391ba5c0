import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { adapterBase as browserBase } from "../src/browser.ts";
import { adapterBase } from "../src/index.ts";
import { folderWith, refusal } from "./support/folders.ts";
import { contentOf, sendBytes, testServer } from "./support/server.ts";

afterEach(() => vi.unstubAllGlobals());

const config = (base: unknown) => ({ peft_type: "LORA", r: 4, base_model_name_or_path: base });
const bytes = (json: object) => new TextEncoder().encode(JSON.stringify(json));

test("the adapter in a folder names a folder, from the working directory or from its own, a model on the hub or a URL", async () => {
  const model = await folderWith({ "config.json": {} });
  const adapter = (base: unknown) => folderWith({ "adapter_config.json": config(base) });
  expect(await adapterBase(await adapter(model))).toBe(model);
  const fromHere = relative(process.cwd(), model);
  expect(await adapterBase(await adapter(fromHere))).toBe(fromHere);
  const folder = await adapter("./base");
  await mkdir(join(folder, "base"));
  expect(await adapterBase(folder)).toBe(join(folder, "base"));
  expect(await adapterBase(await adapter("organisation/name"))).toBe("organisation/name");
  expect(await adapterBase(await adapter("https://models.example/base"))).toBe("https://models.example/base");
});

test("a place of a model has no base", async () => {
  const both = await folderWith({ "config.json": {}, "adapter_config.json": config("a/b") });
  for (const source of [both, await folderWith({ "a.txt": "" }), "organisation/name", new Blob([])])
    expect(await adapterBase(source)).toBeUndefined();
});

test("an adapter whose base is nowhere says what to do", async () => {
  const remedy = "give the base as the model, and this place as its adapter";
  for (const [base, code, message] of [
    [undefined, "CONFIG", "adapter_config.json names no base model"],
    ["", "CONFIG", "adapter_config.json names no base model"],
    [3, "CONFIG", "base_model_name_or_path"],
    ["/no/such/folder", "NOT_FOUND", 'its base model "/no/such/folder" is neither there, nor the name'],
  ] as const) {
    const folder = await folderWith({ "adapter_config.json": config(base) });
    const error = await refusal(() => adapterBase(folder));
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string });
    if (base !== 3) expect(error.message).toContain(remedy);
  }
});

test("an adapter that is no folder names no path of this machine", async () => {
  const model = await folderWith({ "config.json": {} });
  const files = (base: string) => new Map([["adapter_config.json", bytes(config(base))]]);
  expect(await adapterBase(files("organisation/name"))).toBe("organisation/name");
  expect(await refusal(() => adapterBase(files(model)))).toMatchObject({ code: "NOT_FOUND" });
  expect(await refusal(() => browserBase(files("./base")))).toMatchObject({ code: "NOT_FOUND" });
});

test("in a browser the base is beside the adapter, at another URL, or on the hub", async () => {
  const server = await testServer((path, request, response) => {
    const [, base = ""] = /^\/(.*)\/adapter_config\.json$/.exec(path) ?? [];
    if (base === "") response.writeHead(404).end();
    else sendBytes(request, response, contentOf(config(base)));
  });
  const at = (base: string) => browserBase(`${server.url}/${encodeURIComponent(base)}`);
  expect(await at("../base")).toBe(`${server.url}/base`);
  expect(await at("organisation/name")).toBe("https://huggingface.co/organisation/name/resolve/main/");
  expect(await at("https://models.example/a/")).toBe("https://models.example/a/");
  expect(await browserBase(`${server.url}/`)).toBeUndefined();
  expect(await refusal(() => at("C:\\models"))).toMatchObject({ code: "NOT_FOUND" });
});
