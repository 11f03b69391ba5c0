import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSafetensors } from "@mamba/checkpoint";
import { fromFloat32 } from "@mamba/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";

const matrix = "backbone.layers.0.mixer.in_proj.weight";
const small = "backbone.layers.0.mixer.A_log";

let base: string;
let source: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-convert-"));
  source = join(base, "tiny");
  await run(["init", "tiny", source]);
  const path = join(source, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as object;
  await writeFile(path, JSON.stringify({ ...config, eos_token_id: 10 }));
});
afterAll(() => rm(base, { recursive: true }));

async function tensor(folder: string, name: string) {
  await using file = await openSafetensors(join(folder, "model.safetensors"));
  return { dtype: file.tensors.get(name)?.dtype, bytes: await file.read(name) };
}

test("rounds the large matrices alone, and keeps what ends a text", async () => {
  const folder = join(base, "half");
  const { code, stderr } = await run(["convert", source, folder, "--dtype=f16"]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/wrote .*half: 247\.\d kB of weights\n$/);
  const before = await tensor(source, matrix);
  const rounded = fromFloat32(new Float32Array(before.bytes.slice().buffer), "f16");
  const after = await tensor(folder, matrix);
  expect(after.dtype).toBe("F16");
  expect(Buffer.from(after.bytes).equals(Buffer.from(rounded.buffer))).toBe(true);
  expect(await tensor(folder, small)).toEqual(await tensor(source, small));
  expect(JSON.parse(await readFile(join(folder, "config.json"), "utf8"))).toMatchObject({
    eos_token_id: 10,
    torch_dtype: "float16",
  });
});

test("without a type nothing is rounded", async () => {
  const folder = join(base, "same");
  expect((await run(["convert", source, folder])).code).toBe(0);
  for (const name of [matrix, small]) expect(await tensor(folder, name)).toEqual(await tensor(source, name));
});

test("replaces a checkpoint only when told", async () => {
  const folder = join(base, "twice");
  await run(["convert", source, folder]);
  expect((await run(["convert", source, folder])).stderr).toMatch(/--force replaces it \[EXISTS\]\n$/);
  expect((await run(["convert", source, folder, "--force"])).code).toBe(0);
});
