import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Content, replaceFile, replaceFiles } from "./replaceFiles.ts";
import { isTemporary, temporaryPath } from "./temporaryFiles.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mamba-files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (name: string) => readFile(join(folder, name), "utf8");

test("writes bytes, chunks and asynchronous chunks, and leaves no temporary file", async () => {
  await writeFile(join(folder, "a"), "old content");
  const chunks = async function* () {
    yield bytes("async ");
    yield bytes("chunks");
  };
  await replaceFiles(
    new Map<string, Content>([
      [join(folder, "a"), bytes("new")],
      [join(folder, "b"), [bytes("two "), bytes("chunks")]],
      [join(folder, "c"), chunks()],
    ]),
  );
  expect(await Promise.all(["a", "b", "c"].map(textOf))).toEqual(["new", "two chunks", "async chunks"]);
  expect((await readdir(folder)).sort()).toEqual(["a", "b", "c"]);
});

test("when a content fails, every file keeps its old content and no temporary file is left", async () => {
  await writeFile(join(folder, "a"), "old a");
  await writeFile(join(folder, "b"), "old b");
  const failing = function* () {
    yield bytes("half");
    throw new Error("no more bytes");
  };
  const files = new Map<string, Content>([
    [join(folder, "a"), bytes("new a")],
    [join(folder, "b"), failing()],
  ]);
  await expect(replaceFiles(files)).rejects.toThrow("no more bytes");
  expect(await Promise.all(["a", "b"].map(textOf))).toEqual(["old a", "old b"]);
  expect(await readdir(folder)).toHaveLength(2);
});

test("while a file is written, its old content is there, beside a file with a temporary name", async () => {
  await writeFile(join(folder, "a"), "old");
  const names: string[][] = [];
  const chunks = async function* () {
    names.push(await readdir(folder));
    yield bytes("new");
    names.push([await textOf("a")]);
  };
  await replaceFile(join(folder, "a"), chunks());
  const [during = [], content] = names;
  expect(during.filter(isTemporary)).toHaveLength(1);
  expect(content).toEqual(["old"]);
  expect(temporaryPath(join(folder, "a"))).not.toBe(temporaryPath(join(folder, "a")));
});

test("an error of the file system is thrown as it is, or as the caller's own with the path", async () => {
  const missing = join(folder, "missing", "a");
  await expect(replaceFile(missing, bytes("x"))).rejects.toMatchObject({ code: "ENOENT" });
  const fail = (path: string): never => {
    throw new Error(`cannot write ${path}`);
  };
  await expect(replaceFiles(new Map([[missing, bytes("x")]]), fail)).rejects.toThrow(
    /cannot write .*\/missing\/\.a\./,
  );
  await expect(replaceFiles(new Map([[folder, bytes("x")]]), fail)).rejects.toThrow(`cannot write ${folder}`);
});

test("bytes that are known only at the end replace those written before", async () => {
  const chunks = async function* () {
    yield bytes("sum: ??");
    yield bytes(" of 1 + 2");
  };
  const patch = () => Promise.resolve({ offset: 5, bytes: bytes("03") });
  await replaceFile(join(folder, "a"), { chunks: chunks(), patch });
  expect(await textOf("a")).toBe("sum: 03 of 1 + 2");
});
