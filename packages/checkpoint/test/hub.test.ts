import { spawnSync } from "node:child_process";
import { lstat, readdir, readFile, readlink, rm, utimes, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { basename, join } from "node:path";
import type { MambaLM } from "@mamba/core";
import { temporaryPath } from "@mamba/files";
import { describe, expect, test, vi } from "vitest";
import { inspectCheckpoint, loadCheckpoint, type NodeLoadOptions, type Progress } from "../src/index.ts";
import { safetensors } from "./support/files.ts";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tensorsOf, tinyConfig, tinyFiles, tinyInput } from "./support/models.ts";
import { torchModel } from "./support/pickles.ts";
import { commit, gitId, type Hub, sha, testHub } from "./support/hub.ts";
import { contentOf, sendBytes, testServer } from "./support/server.ts";

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

test("a model that has only pickles, as those of state-spaces, brings pytorch_model.bin or its shards", async () => {
  const tensors = tensorsOf(tinyInput);
  const pickle = await torchModel(tensors);
  const single = { "config.json": tinyConfig, "pytorch_model.bin": pickle, "optimizer.pt": "not needed" };
  const names = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"] as const;
  const sharded = {
    "config.json": tinyConfig,
    "pytorch_model.bin.index.json": {
      weight_map: Object.fromEntries(tensors.map(({ name }, i) => [name, names[i < 5 ? 0 : 1]])),
    },
    [names[0]]: await torchModel(tensors.slice(0, 5)),
    [names[1]]: await torchModel(tensors.slice(5)),
  };
  for (const [content, files] of [
    [single, ["pytorch_model.bin"]],
    [sharded, names],
  ] as const) {
    const hub = await testHub(content);
    const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
    expect((await inspectCheckpoint("org/tiny", options)).files).toEqual(files);
    expect((await load({ ...options, offline: true })).config.dModel).toBe(16);
    expect(hub.requests.some((line) => line.includes("optimizer"))).toBe(false);
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => void seen.push(progress);
    await load({ hubUrl: hub.url, cacheDir: await temporaryFolder(), onProgress });
    const last = seen.filter(({ phase }) => phase === "download").at(-1);
    expect(last?.doneBytes).toBe(last?.totalBytes);
    await rm(join(options.cacheDir, "models--org--tiny", "snapshots", commit, files[0]));
    expect(await refusal(() => load({ ...options, offline: true }))).toMatchObject({ code: "OFFLINE" });
  }
  const hub = await testHub({ ...sharded, [names[1]]: undefined });
  const cacheDir = await temporaryFolder();
  const lacking = await refusal(() => load({ hubUrl: hub.url, cacheDir }));
  expect(lacking).toMatchObject({ code: "INDEX", message: expect.stringContaining(names[1]) as string });
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
  [
    "a list that is not a list",
    (hub) => (hub.tree = () => ({ files: 5 })),
    "HUB",
    "list of files is invalid",
  ],
  [
    "a pickle under another name",
    (hub) => (hub.tree = () => [{ type: "file", path: "consolidated.00.pth", size: 1, oid: commit }]),
    "NO_WEIGHTS",
    "pytorch_model.bin",
  ],
  [
    "no weights",
    (hub) => (hub.tree = () => [{ type: "file", path: "README.md", size: 1, oid: commit }]),
    "NO_WEIGHTS",
    "there is none",
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

test("aborting a download rejects with the reason, and the next one goes on where it ended", async () => {
  const hub = await testHub(await tinyFiles());
  const cacheDir = await temporaryFolder();
  const controller = new AbortController();
  const weights = contentOf(hub.files["model.safetensors"]);
  let cut = true;
  // Half of the file, and then nothing more.
  hub.answer = (path, _, response) => {
    if (!cut || !path.endsWith("model.safetensors")) return false;
    response.setHeader("content-length", weights.length);
    response.write(weights.subarray(0, weights.length >> 1));
    return true;
  };
  const onProgress = ({ file }: Progress) => {
    if (file === "model.safetensors") controller.abort(new Error("enough"));
  };
  const options = { hubUrl: hub.url, cacheDir };
  await expect(load({ ...options, signal: controller.signal, onProgress })).rejects.toThrow("enough");
  const blobs = join(cacheDir, "models--org--tiny", "blobs");
  const oid = sha("sha256", weights);
  expect((await readdir(blobs)).filter((name) => name.includes("."))).toEqual([`${oid}.incomplete`]);
  cut = false;
  await load(options);
  expect(hub.headers.at(-1)).toMatchObject({ range: `bytes=${weights.length >> 1}-` });
  expect((await readdir(blobs)).filter((name) => name.includes("."))).toEqual([]);
});

test("the rest of a killed download: its bytes are used, wrong ones are not, old ones are deleted", async () => {
  const hub = await testHub(await tinyFiles());
  const cacheDir = await temporaryFolder();
  await load({ hubUrl: hub.url, cacheDir });
  const blobs = join(cacheDir, "models--org--tiny", "blobs");
  const weights = contentOf(hub.files["model.safetensors"]);
  const oid = sha("sha256", weights);
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const killed = temporaryPath(join(blobs, oid)).replace(/\.\d+-/, `.${pid}-`);
  const ranges = () => hub.headers.map(({ range }) => range).filter(Boolean);
  for (const [name, content, range] of [
    [killed, weights.subarray(0, 100), "bytes=100-"],
    [killed, weights.subarray(0, 100).map((byte) => byte ^ 1), "bytes=100-"],
    [join(blobs, `${oid}.incomplete`), weights.subarray(0, 70), "bytes=70-"],
    [join(blobs, `${oid}.incomplete`), new Uint8Array(weights.length + 1), undefined],
    [temporaryPath(join(blobs, oid)), new Uint8Array(3), undefined], // of this process: left alone
  ] as const) {
    const before = ranges().length;
    await writeFile(name, content);
    await rm(join(blobs, oid));
    expect((await load({ hubUrl: hub.url, cacheDir })).config.dModel).toBe(16);
    expect(ranges().slice(before)).toEqual(range === undefined ? [] : [range]);
  }
  for (const name of await readdir(blobs)) if (name.startsWith(".")) await rm(join(blobs, name));
  const old = join(blobs, `${"0".repeat(64)}.incomplete`);
  const recent = join(blobs, `${"1".repeat(64)}.incomplete`);
  for (const name of [old, recent]) await writeFile(name, "x");
  const lastMonth = new Date(Date.now() - 30 * 24 * 3600 * 1000);
  await utimes(old, lastMonth, lastMonth);
  await rm(join(blobs, oid));
  await load({ hubUrl: hub.url, cacheDir });
  expect((await readdir(blobs)).filter((name) => name.includes("."))).toEqual([basename(recent)]);
});

test("a connection that breaks in the middle is followed by another one", async () => {
  const hub = await testHub(await tinyFiles());
  const weights = contentOf(hub.files["model.safetensors"]);
  let connections = 0;
  hub.answer = (path, request, response) => {
    if (!path.endsWith("model.safetensors") || ++connections > 3) return false;
    const from = Number(/\d+/.exec(request.headers.range ?? "0")![0]);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": weights.length - from,
      ...(from > 0 && { "content-range": `bytes ${from}-${weights.length - 1}/${weights.length}` }),
    });
    response.write(weights.subarray(from, from + 500), () => setTimeout(() => request.socket.destroy(), 20));
    return true;
  };
  await load({ hubUrl: hub.url, cacheDir: await temporaryFolder() });
  expect(connections).toBe(4);
});

describe("a damaged cache", () => {
  const damages: [string, string, (bytes: Uint8Array) => Uint8Array][] = [
    ["truncated weights", "model.safetensors", (bytes) => bytes.subarray(0, bytes.length - 9)],
    [
      "a flipped bit in the weights",
      "model.safetensors",
      (bytes) => bytes.map((b, i) => (i === bytes.length - 9 ? b ^ 1 : b)),
    ],
    ["a wrong small file", "config.json", (bytes) => bytes.map((b) => (b === 0x34 ? 0x33 : b))],
    ["an empty file", "config.json", () => new Uint8Array()],
  ];
  test.each(damages)("%s is downloaded again, and refused while offline", async (_, name, damage) => {
    const hub = await testHub(await tinyFiles());
    const cacheDir = await temporaryFolder();
    const options = { hubUrl: hub.url, cacheDir };
    const { model } = await load(options);
    const expected = await firstValues(model);
    const path = join(cacheDir, "models--org--tiny", "snapshots", commit, name);
    const good = await readFile(path);
    await writeFile(path, damage(good));
    expect(await refusal(() => load({ ...options, offline: true }))).toMatchObject({
      code: "OFFLINE",
      message: expect.stringContaining(
        `${name} is damaged in the cache; load it once with a connection`,
      ) as string,
    });
    const before = hub.requests.length;
    expect(await firstValues((await load(options)).model)).toEqual(expected);
    expect(hub.requests.slice(before).filter((line) => line.includes("/resolve/"))).toEqual([
      expect.stringContaining(name) as string,
    ]);
    expect((await readFile(path)).equals(good)).toBe(true);
    await load({ ...options, offline: true });
  });

  test("is not looked for when verify is off", async () => {
    const hub = await testHub(await tinyFiles());
    const cacheDir = await temporaryFolder();
    const options = { hubUrl: hub.url, cacheDir };
    await load(options);
    const path = join(cacheDir, "models--org--tiny", "snapshots", commit, "model.safetensors");
    await writeFile(
      path,
      (await readFile(path)).map((b, i, all) => (i === all.length - 9 ? b ^ 1 : b)),
    );
    const before = hub.requests.length;
    await load({ ...options, verify: false });
    expect(hub.requests.slice(before).some((line) => line.includes("/resolve/"))).toBe(false);
  });
});

async function firstValues(model: MambaLM): Promise<unknown> {
  return model.kernel.read(...model.parameters.values());
}

describe("a hub that cannot serve", () => {
  const failures: [string, (response: ServerResponse, hub: Hub) => void, string][] = [
    ["429", (response) => response.writeHead(429).end(), "the hub answered 429"],
    ["503", (response) => response.writeHead(503).end("<html>"), "the hub answered 503"],
    [
      "a page of HTML",
      (response) =>
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>Log in"),
      "the answer is a page of HTML, perhaps the login of this network",
    ],
    [
      "a redirect to a login",
      (response) => response.writeHead(302, { location: "http://portal.example/login" }).end(),
      "the request was redirected to another host",
    ],
    ["no answer", () => undefined, "nothing came for 0.2 seconds"],
    ["half of an answer", (response) => response.write('{"sha":'), "nothing came for 0.2 seconds"],
    ["a broken connection", (response) => response.destroy(), "fetch failed"],
  ];
  test.each(failures)("%s: a complete cache serves, and a note says so", async (_, answer, reason) => {
    const hub = await testHub(await tinyFiles());
    const cacheDir = await temporaryFolder();
    const options = { hubUrl: hub.url, cacheDir };
    await load(options);
    hub.answer = (path, __, response) => {
      if (!path.startsWith("/api/")) return false;
      answer(response, hub);
      return true;
    };
    const { notes } = await load({ ...options, timeoutMs: 200 });
    expect(notes).toContainEqual(expect.stringContaining(`could not be reached (${reason}`));
    const empty = { ...options, timeoutMs: 200, cacheDir: await temporaryFolder() };
    expect(await refusal(() => load(empty))).toMatchObject({
      code: "OFFLINE",
      message: expect.stringContaining(reason) as string,
    });
  });

  test("bytes that stall end in an error, and the cached snapshot of the revision serves", async () => {
    const hub = await testHub(await tinyFiles());
    const cacheDir = await temporaryFolder();
    const options = { hubUrl: hub.url, cacheDir, timeoutMs: 200 };
    await load(options);
    const other = "f".repeat(40);
    hub.sha = other;
    hub.files["model.safetensors"] = (
      await tinyFiles((all) =>
        all.map((tensor, i) =>
          i === 0 ? { ...tensor, bytes: async () => (await tensor.bytes()).slice().reverse() } : tensor,
        ),
      )
    )["model.safetensors"];
    hub.answer = (path, __, response) => {
      if (path.includes(`/tree/${other}`)) {
        response.setHeader("content-type", "application/json");
        const present = Object.entries(hub.files).filter(([, content]) => content !== undefined);
        const entries = present.map(([name, content]) => {
          const bytes = contentOf(content);
          return { type: "file", path: name, size: bytes.length, oid: gitId(bytes) };
        });
        response.end(JSON.stringify(entries));
        return true;
      }
      if (!path.includes(`/resolve/${other}/`)) return false;
      response.setHeader("content-length", 1e6);
      response.write("x");
      return true;
    };
    const { label, notes } = await load(options);
    expect(label).toBe("org/tiny@01234567");
    expect(notes).toContainEqual(expect.stringContaining("nothing came for 0.2 seconds"));
  });

  test("a list of files without an end is refused", async () => {
    for (const entries of [
      [],
      Array.from({ length: 2000 }, (_, i) => ({ type: "file", path: `f${i}`, size: 1, oid: commit })),
    ]) {
      const hub = await testHub({});
      let page = 0;
      hub.answer = (path, __, response) => {
        if (!path.includes("/tree/")) return false;
        page++;
        response.setHeader("link", `<${hub.url}${path}?page=${page}>; rel="next"`);
        const fresh = entries.map((entry) => ({ ...entry, path: `${entry.path}-${page}` }));
        response.setHeader("content-type", "application/json").end(JSON.stringify(fresh));
        return true;
      };
      expect(await refusal(() => load({ hubUrl: hub.url, cacheDir: "unused" }))).toMatchObject({
        code: "HUB",
        message: expect.stringMatching(/has no end|more than 10000 files/) as string,
      });
      expect(page).toBeLessThanOrEqual(100);
    }
  });
});

test.each(["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])(
  "%s keeps the loader offline, unless the option says otherwise",
  async (name) => {
    const hub = await testHub(await tinyFiles());
    const options = { hubUrl: hub.url, cacheDir: await temporaryFolder() };
    for (const value of ["1", "true", "YES", "on"]) {
      vi.stubEnv(name, value);
      expect(await refusal(() => load(options))).toMatchObject({ code: "OFFLINE" });
    }
    expect(hub.requests).toEqual([]);
    await load({ ...options, offline: false });
    vi.stubEnv(name, "0");
    await load(options);
    vi.unstubAllEnvs();
  },
);

describe("the access token", () => {
  /** A host that is not the hub, with the files of the hub. */
  async function otherHost(hub: Hub, more: Record<string, string> = {}) {
    return testServer((path, request, response) => {
      for (const [name, value] of Object.entries(more)) response.setHeader(name, value);
      sendBytes(request, response, contentOf(hub.files[path.slice(1)]));
    });
  }
  const accessToken = "hf_secret";

  test.each([
    ["a redirect", {}],
    ["a redirect to a host that says it is the hub's cache", { "x-cache": "Hit from cloudfront" }],
    [
      "a redirect to a host that offers the xet protocol",
      {
        "content-type": "application/vnd.xet-fileinfo+json",
        "x-xet-hash": "0".repeat(64),
        "x-linked-size": "10",
        link: '<http://127.0.0.1:1/a>; rel="xet-auth", <http://127.0.0.1:1/b>; rel="xet-reconstruction-info"',
      },
    ],
  ])("goes to the hub alone: %s", async (_, headers) => {
    const hub = await testHub(await tinyFiles());
    const other = await otherHost(hub, headers);
    hub.answer = (path, __, response) => {
      const [, name] = /\/resolve\/[^/]+\/(.*)$/.exec(path) ?? [];
      if (name === undefined) return false;
      response.writeHead(302, { location: `${other.url}/${name}` }).end();
      return true;
    };
    await load({ hubUrl: hub.url, cacheDir: await temporaryFolder(), accessToken });
    expect(hub.headers.every(({ authorization }) => authorization === "Bearer hf_secret")).toBe(true);
    expect(other.requests.length).toBeGreaterThan(1);
    expect(other.headers.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test("goes to no host that the list of files names", async () => {
    const hub = await testHub(await tinyFiles());
    const other = await testServer((_, __, response) => void response.end("[]"));
    hub.answer = (path, __, response) => {
      if (path.includes("/tree/")) response.setHeader("link", `<${other.url}/next>; rel="next"`);
      return false;
    };
    const error = await refusal(async () =>
      load({ hubUrl: hub.url, cacheDir: await temporaryFolder(), accessToken }),
    );
    expect(error).toMatchObject({
      code: "HUB",
      message: expect.stringContaining("at another host") as string,
    });
    expect(other.requests).toEqual([]);
  });

  test("with odd characters is refused without being quoted", async () => {
    const error = await refusal(() => load({ accessToken: "hf_se cret", hubUrl: "http://127.0.0.1:1" }));
    expect(error).toMatchObject({ code: "HUB" });
    expect(error.message).not.toContain("cret");
  });

  test("a redirect on the hub itself keeps it", async () => {
    const hub = await testHub(await tinyFiles());
    hub.answer = (path, _, response) => {
      if (!path.startsWith("/org/tiny/resolve/")) return false;
      response.writeHead(307, { location: path.replace("/org/tiny/", "/moved/") }).end();
      return true;
    };
    const files = hub.files;
    const answer = hub.answer;
    hub.answer = (path, request, response) => {
      const [, name] = /^\/moved\/resolve\/[^/]+\/(.*)$/.exec(path) ?? [];
      if (name === undefined) return answer(path, request, response);
      expect(request.headers.authorization).toBe("Bearer hf_secret");
      sendBytes(request, response, contentOf(files[name]));
      return true;
    };
    await load({ hubUrl: hub.url, cacheDir: await temporaryFolder(), accessToken });
  });
});
