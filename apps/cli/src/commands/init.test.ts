import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { hubConfig, openSafetensors, parseConfig } from "@mamba/checkpoint";
import { type LMConfig, resolveLMConfig } from "@mamba/core";
import { elementCount } from "@mamba/kernel";
import { temporaryPath } from "@mamba/files";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../test/run.ts";
import { Stop } from "../program/errors.ts";
import { type ModelPresetName, modelPresets, presets } from "@mamba/bench/presets";
import { plainConfig } from "../checkpoints/describedConfig.ts";
import { randomTensors, weightBytes } from "../checkpoints/randomWeights.ts";

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-init-"));
});
afterAll(() => rm(base, { recursive: true }));

test("writes a checkpoint in the Hugging Face layout, marked as random", async () => {
  const folder = join(base, "tiny");
  const { code, stdout, stderr } = await run(["init", "tiny", folder, "--seed", "3"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toMatch(/^wrote .*tiny, 458\.2 kB of random weights \(f32, seed 3\)\n$/);
  expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
  expect(JSON.parse(await readFile(join(folder, "config.json"), "utf8"))).toMatchObject({
    model_type: "mamba",
    hidden_size: 64,
    num_hidden_layers: 3,
    vocab_size: 256,
    torch_dtype: "float32",
  });
  await using file = await openSafetensors(join(folder, "model.safetensors"));
  expect(file.metadata).toMatchObject({ format: "pt", mamba_random_weights: "preset tiny, seed 3" });
  expect(file.tensors.get("backbone.layers.2.mixer.conv1d.weight")?.shape).toEqual([128, 1, 4]);
  expect(file.end).toBeGreaterThan(458_240);
});

test("equal seeds give equal files, other seeds others; matrices alone are narrowed", async () => {
  const weights = async (name: string, ...args: string[]) => {
    expect((await run(["init", "tiny", join(base, name), ...args])).code).toBe(0);
    return readFile(join(base, name, "model.safetensors"));
  };
  const first = await weights("a");
  expect((await weights("b")).equals(first)).toBe(true);
  expect((await weights("c", "--seed=1")).equals(first)).toBe(false);
  expect((await weights("d", "--dtype=bf16")).length).toBeLessThan(first.length * 0.6);
  await using file = await openSafetensors(join(base, "d", "model.safetensors"));
  expect(file.tensors.get("backbone.layers.0.mixer.in_proj.weight")?.dtype).toBe("BF16");
  expect(file.tensors.get("backbone.layers.0.mixer.A_log")?.dtype).toBe("F32");
});

test("the temporary file of a killed command does not disturb the same command, and is deleted", async () => {
  const folder = await mkdtemp(join(base, "killed-"));
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const name = basename(temporaryPath("model.safetensors")).replace(/\.\d+-/, `.${pid}-`);
  await writeFile(join(folder, name), "half");
  expect((await run(["init", "tiny", folder])).code).toBe(0);
  expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
});

test("overwrites only when told, and never anything else than a checkpoint", async () => {
  const folder = join(base, "twice");
  await run(["init", "tiny", folder]);
  const again = await run(["init", "tiny", folder]);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/^mamba: .*--force replaces it \[EXISTS\]\n$/);
  expect((await run(["init", "tiny", folder, "--force"])).code).toBe(0);
  const other = await mkdtemp(join(base, "other-"));
  await writeFile(join(other, "thesis.tex"), "");
  expect((await run(["init", "tiny", other, "--force"])).stderr).toContain("[EXISTS]");
  expect(await readdir(other)).toEqual(["thesis.tex"]);
});

test("an interrupted run leaves no file behind", async () => {
  const folder = join(base, "interrupted");
  const signal = AbortSignal.abort(new Stop("interrupted", 130));
  expect(await run(["init", "tiny", folder], { signal })).toMatchObject({
    code: 130,
    stderr: "mamba: interrupted\n",
  });
  expect(await readdir(folder)).toEqual([]);
});

describe("wrong input", () => {
  test.each([
    [["tiny"], "missing required argument 'folder'"],
    [["huge", "x"], "<preset> must be mamba-130m, mamba-370m"],
    [["toString", "x"], "<preset> must be"],
    [["tiny", "x", "--seed=1.5"], "--seed must be a whole number"],
    [["tiny", "x", "--dtype=f64"], "--dtype must be f32, f16, bf16"],
  ])("%j", async (args, message) => {
    const { code, stderr } = await run(["init", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

test("presets have the sizes of the published models", () => {
  const bytes = Object.entries(presets).map(([name, input]) => [
    name,
    weightBytes(resolveLMConfig(input), "f32") / 4,
  ]);
  expect(Object.fromEntries(bytes)).toEqual({
    "mamba-130m": 129_135_360,
    "mamba-370m": 371_516_416,
    "mamba-790m": 793_204_224,
    "mamba-1.4b": 1_372_178_432,
    "mamba-2.8b": 2_768_345_600,
    tiny: 114_560,
  });
});

test.each<[ModelPresetName, string]>([
  ["mamba-130m", "mamba"],
  ["mamba2-130m", "mamba2"],
  ["mamba-codestral-7b", "mamba2"],
  ["granite-4.0-h-350m", "granitemoehybrid"],
  ["granite-4.0-h-tiny", "granitemoehybrid"],
  ["granite-4.0-350m", "granitemoehybrid"],
  ["falcon-h1-0.5b", "falcon_h1"],
  ["nemotron-3-nano-4b", "nemotron_h"],
  ["nemotron-3-nano-30b", "nemotron_h"],
  ["jamba-reasoning-3b", "jamba"],
])("%s is written as %s, with every tensor of its config", (preset, type) => {
  const config = resolveLMConfig(modelPresets[preset]);
  const json = hubConfig(config, { dtype: "bf16", stopIds: [] });
  expect(json).toMatchObject({ model_type: type });
  const tensors = new Map(
    randomTensors(config, { dtype: "bf16", seed: 0, onBytes: () => undefined }).map((tensor) => [
      tensor.name,
      tensor,
    ]),
  );
  const read = parseConfig(new TextEncoder().encode(JSON.stringify(json)), tensors);
  expect(plainConfig(read.config)).toEqual(plainConfig({ ...config, ...vocabularyOf(read.config) }));
  const count = [...tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  expect(count).toBe(weightBytes(config, "f32") / 4);
});

/** Padding is known by the rows of the table, not by the multiple that gave them. */
const vocabularyOf = ({ vocabSize, padVocabSizeMultiple }: LMConfig) => ({ vocabSize, padVocabSizeMultiple });
