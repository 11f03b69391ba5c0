import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryPath } from "@mamba/files";
import { describe, expect, test } from "vitest";
import {
  downloadModel,
  inspectCheckpoint,
  listCachedModels,
  type Progress,
  removeCachedModel,
} from "../src/index.ts";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { commit, gitId, sha, testHub } from "./support/hub.ts";
import { tinyFiles } from "./support/models.ts";
import { contentOf } from "./support/server.ts";

const second = "fedcba9876543210fedcba9876543210fedcba98";
const hourAgo = new Date(Date.now() - 3600_000);

/**
 * Writes a repository of the cache as the Python tools do: contents in `blobs`, links in `snapshots`, commits in `refs`.
 *
 * @param revisions the files of each commit
 */
async function cacheModel(
  cacheDir: string,
  folder: string,
  revisions: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  refs: Readonly<Record<string, string>> = { main: commit },
): Promise<string> {
  const root = join(cacheDir, folder);
  await mkdir(join(root, "blobs"), { recursive: true });
  for (const [id, files] of Object.entries(revisions)) {
    for (const [name, content] of Object.entries(files)) {
      const bytes = contentOf(content);
      const blob = /\.(safetensors|gguf|bin)$/.test(name) ? sha("sha256", bytes) : gitId(bytes);
      const link = join(root, "snapshots", id, name);
      await writeFile(join(root, "blobs", blob), bytes);
      await mkdir(join(link, ".."), { recursive: true });
      await symlink(join(...name.split("/").map(() => ".."), "..", "blobs", blob), link);
    }
  }
  for (const [ref, id] of Object.entries(refs)) {
    await mkdir(join(root, "refs", ref, ".."), { recursive: true });
    await writeFile(join(root, "refs", ref), id);
  }
  return root;
}

const filesOf = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

describe("downloadModel", () => {
  test("downloads what loading needs, lists it, and asks only for the commit the next time", async () => {
    const hub = await testHub({ ...(await tinyFiles()), "README.md": "# not needed" });
    const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
    const seen: Progress[] = [];
    const { name, path, revision, notes } = await downloadModel("org/tiny", {
      ...options,
      onProgress: (progress) => seen.push(progress),
    });
    expect({ name, notes }).toEqual({ name: "org/tiny", notes: [] });
    expect(path).toBe(join(options.cacheDir, "models--org--tiny", "snapshots", commit));
    expect(revision).toMatchObject({ commit, refs: ["main"], complete: true });
    expect(revision.files.map((file) => file.name)).toEqual(["config.json", "model.safetensors"]);
    expect(seen.at(-1)).toMatchObject({ doneBytes: revision.bytes, totalBytes: revision.bytes });
    expect((await inspectCheckpoint(path)).config.dModel).toBe(16);

    const before = hub.requests.length;
    await downloadModel("org/tiny", options);
    expect(hub.requests.slice(before).every((line) => line.includes("/api/"))).toBe(true);
    const listing = await listCachedModels(options);
    expect(listing).toMatchObject({ path: options.cacheDir, problems: [] });
    expect(listing.models).toEqual([
      expect.objectContaining({ name: "org/tiny", bytes: revision.bytes, revisions: [revision] }),
    ]);
  });

  test("a GGUF file by its type gives the path of the file; several without a type are refused", async () => {
    const hub = await testHub({ "t.Q8_0.gguf": "eight", "t.Q4_K_M.gguf": "four", "config.json": {} });
    const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
    const { path, revision } = await downloadModel("org/tiny:Q4_K_M", options);
    expect(await readFile(path, "utf8")).toBe("four");
    expect(revision.weights).toEqual([{ type: "Q4_K_M", gguf: "t.Q4_K_M.gguf", bytes: 4, missing: [] }]);
    expect(await refusal(() => downloadModel("org/tiny", options))).toMatchObject({
      code: "AMBIGUOUS",
      message: expect.stringContaining("`:Q4_K_M` after the name") as string,
    });
  });

  test("an interrupted download is listed as incomplete, and goes on where it ended", async () => {
    const hub = await testHub(await tinyFiles());
    const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
    const weights = contentOf(hub.files["model.safetensors"]);
    const stop = new AbortController();
    hub.answer = (path, _, response) => {
      if (stop.signal.aborted || !path.endsWith("model.safetensors")) return false;
      response.setHeader("content-length", weights.length);
      response.write(weights.subarray(0, 600));
      return true;
    };
    const onProgress = ({ file }: Progress) => {
      if (file === "model.safetensors") stop.abort(new Error("enough"));
    };
    await expect(downloadModel("org/tiny", { ...options, signal: stop.signal, onProgress })).rejects.toThrow(
      "enough",
    );
    expect((await listCachedModels(options)).models).toEqual([
      expect.objectContaining({
        incompleteBytes: 600,
        revisions: [expect.objectContaining({ complete: false, weights: [], refs: [] }) as unknown],
      }),
    ]);
    expect((await downloadModel("org/tiny", options)).revision.complete).toBe(true);
    expect(hub.headers.at(-1)?.range).toBe("bytes=600-");
  });

  test.each(["tiny", "../tiny", "a/../b", "a--b/c", "org/tiny/more", ""])(
    "%j is not the name of a model",
    async (name) => {
      const cacheDir = await temporaryFolder();
      expect(
        (await refusal(() => downloadModel(name, { cacheDir, hubUrl: "http://127.0.0.1:1" }))).code,
      ).toBe("NOT_FOUND");
    },
  );
});

describe("listCachedModels", () => {
  test("a cache that does not exist is empty", async () => {
    const cacheDir = join(await temporaryFolder(), "none");
    expect(await listCachedModels({ cacheDir })).toEqual({ path: cacheDir, models: [], problems: [] });
  });

  test("models of the Python tools: shared blobs count once, types and missing files are named", async () => {
    const cacheDir = await temporaryFolder();
    const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
    const index = { weight_map: { a: shards[0], b: shards[1] } };
    const root = await cacheModel(
      cacheDir,
      "models--org--both",
      {
        [commit]: { "config.json": "{}", "model.safetensors": "weights", "onnx/model.onnx": "other" },
        [second]: { "config.json": "{}", "model.safetensors": "weights", "x-IQ2_XXS.gguf": "gguf" },
      },
      { main: commit, "v1.0": commit, "refs/pr/1": second },
    );
    await utimes(join(root, "blobs", sha("sha256", contentOf("weights"))), new Date(5e11), new Date(4e11));
    await utimes(join(root, "blobs", sha("sha256", contentOf("gguf"))), new Date(3e11), new Date(4e11));
    await cacheModel(cacheDir, "models--gpt2", {
      [commit]: { "model.safetensors.index.json": index, [shards[0]]: "one", "config.json": "{}" },
    });
    await cacheModel(cacheDir, "models--org--adapter", {
      [commit]: { "adapter_model.safetensors": "lora", "adapter_config.json": "{}" },
    });
    await mkdir(join(cacheDir, "datasets--org--data"));
    await writeFile(join(cacheDir, "version.txt"), "1");
    const { models, problems } = await listCachedModels({ cacheDir });
    expect(problems).toEqual([]);
    expect(models.map(({ name }) => name)).toEqual(["gpt2", "org/adapter", "org/both"]);
    expect(models[2]).toMatchObject({ bytes: 7 + 2 + 5 + 4, incompleteBytes: 0, lastUsed: new Date(5e11) });
    expect(models[2]?.revisions).toMatchObject([
      {
        commit,
        refs: ["main", "v1.0"],
        bytes: 14,
        complete: true,
        weights: [{ type: "safetensors", bytes: 7 }],
      },
      {
        ...{ commit: second, refs: ["refs/pr/1"], bytes: 13, complete: true },
        weights: [{ type: "safetensors" }, { type: "IQ2_XXS", gguf: "x-IQ2_XXS.gguf", bytes: 4 }],
      },
    ]);
    expect(models[0]?.revisions).toMatchObject([
      { complete: false, weights: [{ type: "safetensors", bytes: 3, missing: [shards[1]] }] },
    ]);
    expect(models[1]?.revisions).toMatchObject([
      { complete: true, weights: [{ type: "adapter", missing: [] }] },
    ]);
  });

  test("dangling links, loops, foreign folders and links out of the cache are reported and end nothing", async () => {
    const cacheDir = await temporaryFolder();
    const outside = await temporaryFolder();
    await writeFile(join(outside, "secret"), "do not count");
    const root = await cacheModel(cacheDir, "models--org--odd", {
      [commit]: { "config.json": "{}", "model.safetensors": "weights" },
    });
    const snapshot = join(root, "snapshots", commit);
    await rm(join(root, "blobs", sha("sha256", contentOf("weights"))));
    await symlink("loop", join(snapshot, "loop"));
    await symlink(join(outside, "secret"), join(snapshot, "tokenizer.json"));
    await symlink(outside, join(snapshot, "folder"));
    await symlink(outside, join(root, "snapshots", second));
    await mkdir(join(root, "snapshots", "main"));
    await writeFile(join(root, "refs", "bad"), "../../..");
    await mkdir(join(root, "blobs", "folder"));
    await mkdir(join(cacheDir, "models--..--x"));
    await mkdir(join(cacheDir, "models--a--..--b"));
    await mkdir(join(cacheDir, "models--"));
    await symlink("models--org--self", join(cacheDir, "models--org--self"));
    await symlink("nowhere", join(cacheDir, "models--org--gone"));
    await writeFile(join(cacheDir, "models--org--file"), "");
    const { models, problems } = await listCachedModels({ cacheDir });
    expect(models).toMatchObject([
      {
        name: "org/odd",
        bytes: 2,
        revisions: [{ complete: false, weights: [{ type: "safetensors", missing: ["model.safetensors"] }] }],
      },
    ]);
    expect(problems.map(({ path }) => path.slice(cacheDir.length + 1)).sort()).toEqual(
      [
        ...["models--", "models--..--x", "models--a--..--b", "models--org--file"],
        ...["models--org--gone", "models--org--self"],
        ...["blobs/folder", "refs/bad", "snapshots/main", `snapshots/${second}`].map(
          (entry) => `models--org--odd/${entry}`,
        ),
        ...["folder", "loop", "tokenizer.json"].map(
          (entry) => `models--org--odd/snapshots/${commit}/${entry}`,
        ),
      ].sort(),
    );
  });
});

describe("removeCachedModel", () => {
  const both = {
    [commit]: { "config.json": "{}", "model.safetensors": "weights", "only-here.txt": "1" },
    [second]: {
      "config.json": "{}",
      "model.safetensors": "weights",
      "new.Q4_K_M.gguf": "four",
      "new.Q8_0.gguf": "8",
    },
  };
  const refs = { main: second, old: commit, pull: commit };

  test("a whole model, after a dry run that removes nothing", async () => {
    const cacheDir = await temporaryFolder();
    await cacheModel(cacheDir, "models--org--tiny", both, refs);
    await cacheModel(cacheDir, "models--org--other", both, refs);
    const planned = await removeCachedModel("org/tiny", { cacheDir, dryRun: true });
    expect(planned).toMatchObject({
      whole: true,
      bytes: 2 + 7 + 1 + 4 + 1,
      revisions: [second, commit].sort(),
    });
    expect((await listCachedModels({ cacheDir })).models).toHaveLength(2);
    expect(await removeCachedModel("org/tiny", { cacheDir })).toEqual(planned);
    expect(await readdir(cacheDir)).toEqual(["models--org--other"]);
    expect(await refusal(() => removeCachedModel("org/tiny", { cacheDir }))).toMatchObject({
      code: "NOT_FOUND",
      message: `org/tiny is not in the cache ${cacheDir}`,
    });
  });

  test("a revision goes with its refs and the blobs that no other revision uses", async () => {
    const cacheDir = await temporaryFolder();
    const root = await cacheModel(cacheDir, "models--org--tiny", both, refs);
    expect(await refusal(() => removeCachedModel("org/tiny", { cacheDir, revision: "v9" }))).toMatchObject({
      code: "NOT_FOUND",
    });
    expect(await removeCachedModel("org/tiny", { cacheDir, revision: commit.slice(0, 8) })).toMatchObject({
      ...{ whole: false, revisions: [commit], files: [], bytes: 1 },
    });
    expect(await readdir(join(root, "refs"))).toEqual(["main"]);
    expect(await readdir(join(root, "snapshots"))).toEqual([second]);
    const { models, problems } = await listCachedModels({ cacheDir });
    expect({ problems, bytes: models[0]?.bytes }).toEqual({ problems: [], bytes: 14 });
    expect(models[0]?.revisions[0]?.complete).toBe(true);
    expect(await removeCachedModel("org/tiny", { cacheDir, revision: "main" })).toMatchObject({
      whole: true,
    });
    expect(await readdir(cacheDir)).toEqual([]);
  });

  test("a file goes by its name or GGUF type; the last one takes its revision along", async () => {
    const cacheDir = await temporaryFolder();
    const gguf = { "new.Q4_K_M.gguf": "four", "new.Q8_0.gguf": "8" };
    const root = await cacheModel(
      cacheDir,
      "models--org--tiny",
      { [commit]: both[commit], [second]: gguf },
      refs,
    );
    expect(await refusal(() => removeCachedModel("org/tiny:Q5_0", { cacheDir }))).toMatchObject({
      code: "NOT_FOUND",
    });
    expect(await removeCachedModel("org/tiny:q4_k_m", { cacheDir })).toMatchObject({
      ...{ whole: false, revisions: [], files: ["new.Q4_K_M.gguf"], bytes: 4 },
    });
    expect(await removeCachedModel("org/tiny:only-here.txt", { cacheDir })).toMatchObject({ bytes: 1 });
    expect(await removeCachedModel("org/tiny", { cacheDir, file: "new.Q8_0.gguf" })).toMatchObject({
      ...{ whole: false, revisions: [second], files: [], bytes: 1 },
    });
    expect(await readdir(join(root, "snapshots"))).toEqual([commit]);
    expect((await readdir(join(root, "refs"))).sort()).toEqual(["old", "pull"]);
    expect(await filesOf(join(root, "blobs"))).toHaveLength(2);
  });

  test.each(["..", "../x", "../../x", "a/../b", "/etc", "org/..", ".", "a/b/c", "org\\x"])(
    "%j is refused, and nothing outside of the cache is touched",
    async (name) => {
      const base = await temporaryFolder();
      const cacheDir = join(base, "hub");
      await mkdir(join(cacheDir, "models--..--x"), { recursive: true });
      await writeFile(join(base, "x"), "keep");
      expect((await refusal(() => removeCachedModel(name, { cacheDir }))).code).toBe("NOT_FOUND");
      expect(await filesOf(base)).toEqual(["x"]);
    },
  );

  test("links out of the cache are removed themselves, and what they point to stays", async () => {
    const cacheDir = await temporaryFolder();
    const outside = await temporaryFolder();
    await writeFile(join(outside, "keep"), "keep");
    await symlink(outside, join(cacheDir, "models--org--linked"));
    expect((await refusal(() => removeCachedModel("org/linked", { cacheDir }))).code).toBe("PATH");
    const root = await cacheModel(cacheDir, "models--org--tiny", both, refs);
    await rm(join(root, "blobs"), { recursive: true });
    await symlink(outside, join(root, "blobs"));
    await symlink(join(outside, "keep"), join(root, "snapshots", commit, "extra"));
    expect(await refusal(() => removeCachedModel("org/tiny", { cacheDir, revision: "old" }))).toMatchObject({
      code: "IO",
      message: expect.stringContaining("only the whole model can be removed") as string,
    });
    expect(await removeCachedModel("org/tiny", { cacheDir })).toMatchObject({ whole: true });
    expect(await filesOf(outside)).toEqual(["keep"]);
  });

  test("a download in progress is not disturbed", async () => {
    const cacheDir = await temporaryFolder();
    const root = await cacheModel(cacheDir, "models--org--tiny", both, refs);
    const refused = async () => refusal(() => removeCachedModel("org/tiny", { cacheDir }));
    const own = temporaryPath(join(root, "blobs", "a".repeat(64)));
    await writeFile(own, "x");
    expect(await refused()).toMatchObject({
      code: "IN_USE",
      message: expect.stringContaining(own) as string,
    });
    await rm(own);
    const theirs = join(root, "blobs", `${"b".repeat(64)}.incomplete`);
    await writeFile(theirs, "x");
    expect(await refused()).toMatchObject({
      code: "IN_USE",
      message: expect.stringContaining(theirs) as string,
    });
    await utimes(theirs, hourAgo, hourAgo);
    expect(await removeCachedModel("org/tiny", { cacheDir })).toMatchObject({ whole: true });
  });

  const hasFlock = process.platform === "linux" && spawnSync("flock", ["--version"]).status === 0;
  (hasFlock ? test : test.skip)(
    `a lock of the Python tools is respected${hasFlock ? "" : " (there is no flock)"}`,
    async () => {
      const cacheDir = await temporaryFolder();
      await cacheModel(cacheDir, "models--org--tiny", both, refs);
      const lock = join(cacheDir, ".locks", "models--org--tiny", `${"a".repeat(40)}.lock`);
      await mkdir(join(lock, ".."), { recursive: true });
      const holder = spawn("flock", [lock, "sh", "-c", "echo locked; cat"], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      await once(holder.stdout, "data");
      expect(await refusal(() => removeCachedModel("org/tiny", { cacheDir }))).toMatchObject({
        code: "IN_USE",
        message: expect.stringContaining(lock) as string,
      });
      holder.stdin.end();
      await once(holder, "close");
      expect(await removeCachedModel("org/tiny", { cacheDir })).toMatchObject({ whole: true });
    },
  );
});
