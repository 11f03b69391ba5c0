import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inspectCheckpoint, loadCheckpoint, type NodeLoadOptions, type Progress } from "../src/index.ts";
import { safetensors } from "./support/files.ts";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tensorsOf, tinyConfig, tinyFiles, tinyInput } from "./support/models.ts";
import { contentOf, sendBytes, type TestServer, testServer } from "./support/server.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const sha = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest("hex");

interface Hub extends TestServer {
  readonly files: Record<string, unknown>;
  /** The commit that the API reports; tests change it to a wrong one. */
  sha: string;
  tree: (entries: Record<string, unknown>[]) => unknown;
  corrupt: (path: string, bytes: Uint8Array) => Uint8Array;
}

/** The three answers of the hub that loading needs: the revision's commit, its files, and their bytes. */
async function testHub(files: Record<string, unknown>): Promise<Hub> {
  const server = await testServer((path, request, response) => {
    const json = (value: unknown) =>
      response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    if (path === "/api/models/org/tiny/revision/main" || path === `/api/models/org/tiny/revision/${commit}`) {
      return void json({ _id: "1", id: "org/tiny", sha: hub.sha });
    }
    if (path === `/api/models/org/tiny/tree/${commit}`) {
      const entries = Object.entries(hub.files).map(([name, content]) => {
        const bytes = contentOf(content);
        const lfs = { oid: sha("sha256", bytes), size: bytes.length, pointerSize: 100 };
        const isLarge = name.endsWith(".safetensors");
        return {
          type: "file",
          path: name,
          size: bytes.length,
          oid: sha("sha1", bytes),
          ...(isLarge && { lfs }),
        };
      });
      return void json(hub.tree(entries));
    }
    const name = path.replace(`/org/tiny/resolve/${commit}/`, "");
    const content = hub.files[name];
    if (content === undefined) return void response.writeHead(404).end("{}");
    response.setHeader("etag", '"x"');
    sendBytes(request, response, hub.corrupt(name, contentOf(content)));
  });
  const hub: Hub = {
    ...server,
    files,
    sha: commit,
    tree: (entries) => entries,
    corrupt: (_, bytes) => bytes,
  };
  return hub;
}

const load = (options: NodeLoadOptions) => loadCheckpoint(hostKernel(), "org/tiny", options);

test("downloads into the cache of the Python tools, with progress, and only once", async () => {
  const hub = await testHub({ ...(await tinyFiles()), "README.md": "# not needed" });
  const cacheDir = await temporaryFolder();
  const seen: Progress[] = [];
  const options = { hubUrl: hub.url, cacheDir };
  const first = await load({ ...options, onProgress: (progress) => seen.push(progress) });
  expect(first.label).toBe("org/tiny@01234567");
  expect(first.config.dModel).toBe(16);

  const total = contentOf(hub.files["config.json"]).length + contentOf(hub.files["model.safetensors"]).length;
  const downloads = seen.filter(({ phase }) => phase === "download");
  expect(downloads.at(-1)).toEqual({
    phase: "download",
    file: "model.safetensors",
    doneBytes: total,
    totalBytes: total,
  });
  expect(seen.at(-1)?.phase).toBe("load");

  const storage = join(cacheDir, "models--org--tiny");
  const link = join(storage, "snapshots", commit, "model.safetensors");
  const oid = sha("sha256", contentOf(hub.files["model.safetensors"]));
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readlink(link)).toBe(join("..", "..", "blobs", oid));
  expect(await readFile(join(storage, "refs", "main"), "utf8")).toBe(commit);
  expect(await readdir(join(storage, "snapshots", commit))).not.toContain("README.md");
  expect((await readdir(join(storage, "blobs"))).filter((name) => name.includes("."))).toEqual([]);

  const before = hub.requests.length;
  await load(options);
  expect(hub.requests.slice(before).every((line) => line.includes("/api/"))).toBe(true);
});

test("offline, by wish or by fate, a cached model loads; a missing one says how to get it", async () => {
  const hub = await testHub(await tinyFiles());
  const cacheDir = await temporaryFolder();
  const options = { hubUrl: hub.url, cacheDir };
  await load(options);
  const before = hub.requests.length;
  expect((await load({ ...options, offline: true })).notes).not.toContainEqual(
    expect.stringContaining("hub"),
  );
  expect((await load({ ...options, offline: true, revision: commit })).label).toBe("org/tiny@01234567");
  expect(hub.requests).toHaveLength(before);

  await hub.close();
  const cut = await load(options);
  expect(cut.notes).toContainEqual(expect.stringMatching(/could not be reached \(.*from the cache/));

  const other = await refusal(() => loadCheckpoint(hostKernel(), "org/other", { ...options, offline: true }));
  expect(other).toMatchObject({
    code: "OFFLINE",
    message: expect.stringContaining("load it once") as string,
  });
  expect(await refusal(() => loadCheckpoint(hostKernel(), "org/other", options))).toMatchObject({
    code: "OFFLINE",
  });
  await rm(join(cacheDir, "models--org--tiny", "snapshots", commit, "model.safetensors"));
  expect(await refusal(() => load({ ...options, offline: true }))).toMatchObject({ code: "OFFLINE" });
});

test("a sharded model brings its shards", async () => {
  const tensors = tensorsOf(tinyInput);
  const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
  const hub = await testHub({
    "config.json": tinyConfig,
    "model.safetensors.index.json": {
      weight_map: Object.fromEntries(tensors.map(({ name }, i) => [name, names[i < 5 ? 0 : 1]])),
    },
    [names[0]]: await safetensors(tensors.slice(0, 5)),
    [names[1]]: await safetensors(tensors.slice(5)),
    "pytorch_model.bin": "PK",
  });
  const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
  const summary = await inspectCheckpoint("org/tiny", options);
  expect(summary.files).toEqual(names);
  expect((await load({ ...options, offline: true })).config.dModel).toBe(16);
  expect(hub.requests.some((line) => line.includes("pytorch_model"))).toBe(false);
});

test.each<[string, (hub: Hub) => void, string, string]>([
  ["wrong bytes", (hub) => (hub.corrupt = (_, bytes) => bytes.map((byte) => byte ^ 1)), "HUB", "SHA-256"],
  ["too few bytes", (hub) => (hub.corrupt = (_, bytes) => bytes.subarray(1)), "HUB", "the hub lists"],
  [
    "too many bytes",
    (hub) => (hub.corrupt = (_, bytes) => Buffer.concat([bytes, bytes])),
    "HUB",
    "more than",
  ],
  ["a commit that is a path", (hub) => (hub.sha = "../../../../evil"), "HUB", "must name a commit"],
  [
    "an id that is a path",
    (hub) => (hub.tree = (all) => all.map((e) => ({ ...e, oid: "../evil", lfs: undefined }))),
    "HUB",
    "id",
  ],
  ["a list that is not a list", (hub) => (hub.tree = () => ({ files: 5 })), "HUB", "answer is invalid"],
  [
    "only a pickle",
    (hub) => (hub.tree = () => [{ type: "file", path: "pytorch_model.bin", size: 1, oid: commit }]),
    "PICKLE",
    "pickle",
  ],
  [
    "no weights",
    (hub) => (hub.tree = () => [{ type: "file", path: "README.md", size: 1, oid: commit }]),
    "NO_WEIGHTS",
    "neither",
  ],
])("a hub with %s is refused, and the cache keeps nothing of it", async (_, lie, code, words) => {
  const hub = await testHub({ "model.safetensors": (await tinyFiles())["model.safetensors"] });
  lie(hub);
  const cacheDir = await temporaryFolder();
  const error = await refusal(() => load({ hubUrl: hub.url, cacheDir }));
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
  const kept = await readdir(cacheDir, { recursive: true, withFileTypes: true });
  expect(kept.filter((entry) => !entry.isDirectory())).toEqual([]);
});

test("a model that is not there, a bad revision, a folder of the same name", async () => {
  const hub = await testHub({});
  const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
  expect(await refusal(() => loadCheckpoint(hostKernel(), "org/none", options))).toMatchObject({
    code: "NOT_FOUND",
  });
  expect(await refusal(() => load({ ...options, revision: "../../x" }))).toMatchObject({ code: "HUB" });
  expect(await refusal(() => loadCheckpoint(hostKernel(), "a/../b", options))).toMatchObject({
    code: "NOT_FOUND",
  });
});

test("aborting a download rejects with the reason and leaves no partial file", async () => {
  const hub = await testHub(await tinyFiles());
  const cacheDir = await temporaryFolder();
  const controller = new AbortController();
  const onProgress = ({ file }: Progress) => {
    if (file === "model.safetensors") controller.abort(new Error("enough"));
  };
  hub.files["model.safetensors"] = new Uint8Array(5e6);
  await expect(load({ hubUrl: hub.url, cacheDir, signal: controller.signal, onProgress })).rejects.toThrow(
    "enough",
  );
  const names = await readdir(join(cacheDir, "models--org--tiny", "blobs"));
  expect(names.filter((name) => name.endsWith(".incomplete"))).toEqual([]);
});

test("a blob left by an earlier crash under its temporary name does not disturb", async () => {
  const hub = await testHub(await tinyFiles());
  const cacheDir = await temporaryFolder();
  await load({ hubUrl: hub.url, cacheDir });
  const blobs = join(cacheDir, "models--org--tiny", "blobs");
  const oid = sha("sha256", contentOf(hub.files["model.safetensors"]));
  await writeFile(join(blobs, `${oid}.incomplete`), "half");
  await rm(join(blobs, oid));
  expect((await load({ hubUrl: hub.url, cacheDir })).config.dModel).toBe(16);
});
