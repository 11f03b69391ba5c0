import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";

let base: string;
let model: string;
let text: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-quantised-"));
  [model, text] = [join(base, "tiny.gguf"), join(base, "text.txt")];
  await writeFile(text, "to be or not to be, that is the question. ".repeat(20));
  await run(["init", "tiny", join(base, "tiny")]);
  await run(["quantize", join(base, "tiny"), model, "--type=q4_0"]);
});
afterAll(() => rm(base, { recursive: true }));

async function loss(source: string, ...args: string[]): Promise<number> {
  const flags = ["--data", text, "--length=32", "--examples=4", "--threads=1", "--json", ...args];
  const result = await run(["eval", "text", "-m", source, ...flags]);
  expect(result).toMatchObject({ code: 0 });
  return (JSON.parse(result.stdout) as { results: [{ loss: number }] }).results[0].loss;
}

test("--dtype while loading gives the model of the file, and --activations f32 the exact products", async () => {
  const rounded = await loss(model);
  const exact = await loss(model, "--activations=f32");
  expect(await loss(join(base, "tiny"), "--dtype=Q4_0")).toBe(rounded);
  expect(await loss(model, "--dtype=f32")).toBeCloseTo(exact, 5);
  expect(rounded).not.toBe(exact);
  expect(Math.abs(rounded - exact)).toBeLessThan(0.01);
});

test("an adapter is trained beside a quantised model, and merged only into floats", async () => {
  const train = ["train", "text", "--data", text, "--model", model, "--lora=4", "--length=32", "--steps=8"];
  const out = join(base, "run");
  expect((await run([...train, "--batch-size=2", "--lr=0.01", "--out", out])).code).toBe(0);
  const adapter = join(out, "adapter");
  const trained = await loss(model, "--adapter", adapter, "--activations=f32");
  expect(trained).toBeLessThan((await loss(model, "--activations=f32")) - 0.3);
  const merge = ["merge", "-m", model, "--adapter", adapter, "--out", join(base, "merged")];
  expect((await run(merge)).stderr).toMatch(
    /is stored as q\d_0, whose rounding may be larger than the update; .*\[UNSUPPORTED\]/,
  );
  expect((await run([...merge, "--dtype=f32"])).code).toBe(0);
  expect(await loss(join(base, "merged"))).toBeCloseTo(trained, 4);
});
