import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";

let base: string;
let model: string;
let text: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-lora-"));
  model = join(base, "tiny");
  text = join(base, "text.txt");
  await writeFile(text, "to be or not to be, that is the question. ".repeat(20));
  await run(["init", "tiny", model, "--dtype=bf16"]);
});
afterAll(() => rm(base, { recursive: true }));

const losses = async (...args: string[]) => {
  const result = await run(["eval", "text", "--data", text, "--length=32", "--json", ...args]);
  expect(result).toMatchObject({ code: 0 });
  return (JSON.parse(result.stdout) as { results: { loss: number }[] }).results.map(({ loss }) => loss)[0]!;
};

test("an adapter is trained beside a bf16 model, resumed, evaluated, generated with and merged", async () => {
  const out = join(base, "run");
  const adapter = join(out, "adapter");
  const args = [
    "train",
    "text",
    "--data",
    text,
    "--model",
    model,
    "--lora=4",
    "--lora-targets=in_proj,out_proj",
  ];
  const rest = ["--length=32", "--steps=12", "--batch-size=2", "--lr=0.01", "--out", out];
  const weights = await readFile(join(model, "model.safetensors"));
  expect(await run([...args, ...rest])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/wrote .*adapter\n$/) as string,
  });
  expect((await readFile(join(model, "model.safetensors"))).equals(weights)).toBe(true);
  const config = JSON.parse(await readFile(join(adapter, "adapter_config.json"), "utf8")) as unknown;
  expect(config).toMatchObject({
    peft_type: "LORA",
    r: 4,
    lora_alpha: 8,
    target_modules: ["in_proj", "out_proj"],
    base_model_name_or_path: model,
  });
  expect((await run([...args, ...rest, "--resume"])).stderr).toMatch(/^continuing after step 12$/m);
  const other = await run([...args, "--lora-alpha=2", ...rest, "--resume"]);
  expect(other.stderr).toMatch(/the saved run has model\.adapter .* \[RESUME\]\n$/);

  const before = await losses("-m", model);
  const after = await losses("-m", model, "--adapter", adapter);
  expect(after).toBeLessThan(before - 0.5);

  const merged = join(base, "merged");
  const merge = ["merge", "-m", model, "--adapter", adapter, "--out", merged];
  expect(await run(merge)).toMatchObject({ code: 0, stdout: "" });
  expect(Math.abs((await losses("-m", merged)) - after)).toBeLessThan(0.02); // bf16 has 8 bits
  expect(await run(merge)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--force replaces it [EXISTS]") as string,
  });
  expect((await run([...merge, "--force"])).code).toBe(0);

  const said = async (...flags: string[]) =>
    (await run(["generate", "to be", "--greedy", "--max-tokens=8", ...flags])).stdout;
  const plain = await said("-m", model);
  expect(await said("-m", model, "--adapter", adapter)).not.toBe(plain);

  const moved = await run(["generate", "a", "-m", merged, "--adapter", adapter, "--max-tokens=1"]);
  expect(moved.stderr).toContain("note: the adapter was made for ");
});

test("an adapter is trained beside a quantised model, and merged into it only when that is asked for", async () => {
  const { loadCheckpoint, saveGguf } = await import("@mamba/checkpoint");
  const { createCpuKernel } = await import("@mamba/kernel-cpu");
  const file = join(base, "tiny.Q8_0.gguf");
  {
    await using kernel = await createCpuKernel({ threads: 1 });
    const loaded = await loadCheckpoint(kernel, model, { dtype: "f32" });
    using _model = loaded.model;
    await saveGguf(loaded.model, file, { type: "q8_0", tokenizer: loaded.tokenizer });
  }
  const out = join(base, "quantised");
  const adapter = join(out, "adapter");
  const trained = await run([
    ...["train", "text", "--data", text, "--model", file, "--lora=4", "--lora-targets=in_proj,out_proj"],
    ...["--length=32", "--steps=12", "--batch-size=2", "--lr=0.01", "--out", out],
  ]);
  expect(trained).toMatchObject({ code: 0 });
  const before = await losses("-m", file);
  const after = await losses("-m", file, "--adapter", adapter);
  expect(after).toBeLessThan(before - 0.5);

  const merged = join(base, "merged.gguf");
  const merge = ["merge", "-m", file, "--adapter", adapter];
  expect(await run([...merge, "--out", merged])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/stored as q8_0.* with requantize \[UNSUPPORTED\]\n$/) as string,
  });
  expect(await run([...merge, "--out", join(base, "folder"), "--requantize"])).toMatchObject({ code: 2 });
  const requantize = [...merge, "--out", merged, "--requantize"];
  expect(await run(requantize)).toMatchObject({ code: 0 });
  expect(Math.abs((await losses("-m", merged)) - after)).toBeLessThan(0.02);
  expect((await run(requantize)).stderr).toContain("--force replaces it [EXISTS]");
});

test.each([
  [["train", "text", "--lora=8", "--out=x"], "--lora adapts a checkpoint: it needs --model <folder>"],
  [["train", "text", "--lora=0", "--model=m", "--out=x"], "--lora must be a whole number, at least 1"],
  [["train", "text", "--lora-alpha=8", "--model=m", "--out=x"], "--lora-targets need --lora <rank>"],
  [
    ["train", "text", "--lora=8", "--lora-targets=in_proj,", "--model=m", "--out=x"],
    "--lora-targets must be names of layers, such as in_proj,q_proj",
  ],
  [["merge", "--model=m", "--out=x"], "--adapter is missing"],
])("%j is refused", async (args, message) => {
  expect(await run(args)).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining(message) as string,
  });
});

test("an adapter that is not there, or of another model, is an error that names it", async () => {
  const none = await run(["generate", "a", "-m", model, "--adapter", join(base, "none")]);
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("[NOT_FOUND]") as string });
  const wrong = await run(["generate", "a", "-m", model, "--adapter", model]);
  expect(wrong.stderr).toContain("there is no adapter_config.json [NOT_FOUND]");
});
