import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const ids = (bytes: Buffer) => ({
  oid: createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex"),
  lfs: { oid: createHash("sha256").update(bytes).digest("hex") },
});

let base: string;
let url: string;
const files = new Map<string, Buffer>();
const server = createServer((request, response) => {
  const path = request.url!.split("?")[0]!;
  response.setHeader("content-type", "application/json");
  if (path === "/api/models/org/tiny/revision/main") response.end(JSON.stringify({ sha: commit }));
  else if (path === `/api/models/org/tiny/tree/${commit}`) {
    const entry = ([name, bytes]: [string, Buffer]) => ({
      type: "file",
      path: name,
      size: bytes.length,
      ...ids(bytes),
    });
    response.end(JSON.stringify([...files].map(entry)));
  } else {
    const bytes = files.get(basename(path));
    if (bytes === undefined || !path.startsWith("/org/tiny/")) response.writeHead(404);
    response.end(bytes);
  }
});

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-hub-"));
  const model = join(base, "model");
  expect(await run(["init", "tiny", model])).toMatchObject({ code: 0 });
  for (const name of await readdir(model)) files.set(name, await readFile(join(model, name)));
  files.set("tiny.Q8_0.gguf", Buffer.from("eight"));
  files.set("tiny.Q4_K_M.gguf", Buffer.from("four"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(base, { recursive: true });
});

const envOf = (cache: string) => ({ HF_HUB_CACHE: join(base, cache), HF_ENDPOINT: url });

test("pull prints the folder, which other commands take; list shows it; rm removes it", async () => {
  const env = envOf("whole");
  const pulled = await run(["pull", "org/tiny"], { env });
  const place = join(env.HF_HUB_CACHE, "models--org--tiny", "snapshots", commit);
  expect(pulled).toMatchObject({ code: 0, stdout: `${place}\n` });
  expect(pulled.stderr).toMatch(/^\S+ kB in the cache, revision 01234567\nnext: mamba chat -m org\/tiny\n$/);
  expect(await run(["inspect", place])).toMatchObject({ code: 0 });

  const listed = await run(["list"], { env });
  expect(listed.stdout).toMatch(
    /^model +revision +type +size +last used\norg\/tiny +main 01234567 +safetensors +\S+ kB +now\n$/,
  );
  expect(listed.stderr).toMatch(/^1 model, .* kB, in .*whole\n$/);

  const refused = await run(["rm", "org/tiny"], { env, stdin: "y\n" });
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--yes removes without") as string,
  });
  expect(await run(["rm", "org/tiny", "--yes"], { env })).toMatchObject({
    ...{ code: 0, stdout: "", stderr: expect.stringMatching(/^removed org\/tiny: \S+ kB\n$/) as string },
  });
  expect(await run(["list"], { env })).toMatchObject({ code: 0, stdout: "" });
  expect(await run(["rm", "org/tiny", "--yes"], { env })).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining("is not in the cache") as string },
  });
});

test("a GGUF file by its type: its row is the name that rm takes, and rm asks on a terminal", async () => {
  const env = envOf("gguf");
  for (const type of ["Q8_0", "q4_k_m"]) {
    const pulled = await run(["pull", `org/tiny:${type}`], { env });
    expect(pulled.stdout).toMatch(/\.gguf\n$/);
    expect(pulled.stderr).toContain(`next: mamba chat -m org/tiny:${type}\n`);
  }
  expect((await run(["list"], { env })).stdout.split("\n").map((line) => line.split(" ")[0])).toEqual([
    ...["model", "org/tiny:Q4_K_M", "org/tiny:Q8_0", ""],
  ]);
  const json = JSON.parse((await run(["list", "--json"], { env })).stdout) as { models: unknown[] };
  expect(json.models).toMatchObject([
    { name: "org/tiny", bytes: 9, revisions: [{ commit, refs: ["main"] }] },
  ]);
  const no = await run(["rm", "org/tiny:Q8_0"], { env, stdin: "n\n", isTTY: true, isTerminal: true });
  expect(no).toMatchObject({ code: 0 });
  expect(no.stderr).toBe(
    "mamba will remove org/tiny (tiny.Q8_0.gguf): 5 B\nremove? [y/N] nothing was removed\n",
  );
  const yes = await run(["rm", "org/tiny:Q8_0"], { env, stdin: "yes\n", isTerminal: true });
  expect(yes.stderr).toContain("removed org/tiny (tiny.Q8_0.gguf): 5 B\n");
  expect((await run(["list"], { env })).stdout).not.toContain("Q8_0");
});

test("what an interrupted pull has left is listed as incomplete, and odd entries are notes", async () => {
  const env = envOf("partial");
  await run(["pull", "org/tiny"], { env });
  const root = join(env.HF_HUB_CACHE, "models--org--tiny");
  const blob = join(root, "blobs", ids(files.get("model.safetensors")!).lfs.oid);
  await rm(blob);
  await writeFile(`${blob}.incomplete`, "half");
  await utimes(`${blob}.incomplete`, 0, 0);
  await writeFile(join(root, "refs", "bad\u009b"), "x");
  const { stdout, stderr } = await run(["list"], { env });
  expect(stdout).toContain("incomplete: model.safetensors missing");
  expect(stderr).toContain("bad\\u009b: it does not name a commit\n");
  expect(await run(["rm", "org/tiny", "-y"], { env })).toMatchObject({ code: 0 });
});

test.each([
  [["pull", "tiny"], 1, '"tiny" is not the name of a model on the hub (organisation/name) [NOT_FOUND]'],
  [["pull", "org/none"], 1, "[NOT_FOUND]"],
  [["pull", "org/tiny:Q5_0"], 1, "no GGUF file has the name or the type"],
  [["rm", "../x", "--yes"], 1, '"../x" is not the name of a model'],
  [["rm", "a/b", "c/d", "--revision=x", "--yes"], 2, "--revision is for one model"],
  [["rm"], 2, "missing required argument 'models'"],
])("%j is refused", async (args, code, message) => {
  const result = await run(args, { env: envOf("refused") });
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toContain(message);
});
