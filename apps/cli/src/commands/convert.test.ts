import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufValue, openSafetensors, writeGguf } from "@mamba/checkpoint";
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
  const { code, stdout, stderr } = await run(["convert", source, folder, "--type=f16"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^tensor +from +to +size +NMSE +largest error$/m);
  expect(stdout).toMatch(
    /^backbone\.layers\.0\.mixer\.in_proj\.weight +f32 +f16 +32\.8 kB +\d\.\de-8 +\d\.\de-\d$/m,
  );
  expect(stdout).toMatch(/^backbone\.layers\.0\.mixer\.A_log +f32 +f32 +8\.2 kB +0 +0$/m);
  expect(stderr).toMatch(/note: the weights are random .*\nwrote .*half: 248\.0 kB, largest NMSE .*\n$/);
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

test("to GGUF and back; quantize is convert with a type", async () => {
  const [file, same, folder] = [join(base, "tiny-Q8_0.gguf"), join(base, "same.gguf"), join(base, "back")];
  const { code, stdout } = await run(["convert", source, file, "--type=Q8_0", "--json"]);
  expect(code).toBe(0);
  const { tensors, bytes } = JSON.parse(stdout) as { tensors: { name: string; to: string }[]; bytes: number };
  expect(tensors.find(({ name }) => name === "blk.0.ssm_in.weight")?.to).toBe("q8_0");
  expect((await readFile(file)).length).toBe(bytes);
  expect((await run(["quantize", source, same, "--type=q8_0"])).code).toBe(0);
  expect((await readFile(same)).equals(await readFile(file))).toBe(true);
  expect((await run(["convert", file, folder])).stderr).toContain("they are written as f32");
  expect(await tensor(folder, small)).toMatchObject({ dtype: "F32" });
  const { stdout: text } = await run(["inspect", file]);
  expect(text).toMatch(/^general\.architecture +mamba$/m);
});

test.each<[string, readonly string[], number, RegExp]>([
  [
    "an unknown type",
    ["convert", "M", "new.gguf", "--type=q9"],
    2,
    /--type must be f32, .*, q5_k_m, got "q9" \[USAGE\]/,
  ],
  [
    "a quantised folder",
    ["convert", "M", "new", "--type=q4_0"],
    1,
    /safetensors, which have no q4_0.*\[DTYPE\]/,
  ],
  ["quantize without a type", ["quantize", "M", "new.gguf"], 2, /--type is missing \[USAGE\]/],
  [
    "quantize to a folder",
    ["quantize", "M", "new", "--type=q8_0"],
    2,
    /must end in \.gguf, got "new" \[USAGE\]/,
  ],
  [
    "a file that exists",
    ["convert", "M", "SOME"],
    1,
    /some\.gguf already exists; --force replaces it \[EXISTS\]/,
  ],
  ["a GGUF file that is cut", ["convert", "SOME", "new"], 1, /some\.gguf: .*\[TRUNCATED\]/],
  ["another architecture", ["convert", "LLAMA", "new"], 1, /"llama" cannot be loaded.*\[UNSUPPORTED_MODEL\]/],
])("refuses %s", async (_, args, code, message) => {
  const [some, llama] = [join(base, "some.gguf"), join(base, "llama.gguf")];
  await writeFile(some, Buffer.from("GGUF\x03\0\0\0\x05\0\0\0\0\0\0\0", "latin1"));
  const text = (value: string): GgufValue => ({ type: "string", value });
  await writeGguf(llama, { metadata: new Map([["general.architecture", text("llama")]]), tensors: [] });
  const names: Record<string, string> = { M: source, SOME: some, LLAMA: llama };
  const found = await run(args.map((arg) => names[arg] ?? arg));
  expect(found).toMatchObject({ code, stderr: expect.stringMatching(message) as string });
});
