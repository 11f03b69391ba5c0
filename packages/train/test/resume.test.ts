import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSafetensors } from "@mamba/checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunFolder } from "../src/node/runFolder.ts";
import { languageModel } from "../src/languageModel.ts";
import { Trainer } from "../src/trainer.ts";
import { contents, counting, kernel, model, take } from "./support.ts";

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-run-"));
});
afterAll(() => rm(base, { recursive: true }));

const config = { steps: 6, batchSize: 2, warmupSteps: 2 };

describe("kill -9", () => {
  const child = fileURLToPath(new URL("child.mjs", import.meta.url));

  /** Runs the child, and kills it `delay` ms after it has printed `lines` lines. Returns the lines. */
  function train(
    folder: string,
    lines = Infinity,
    delay = 0,
  ): Promise<{ lines: string[]; signal: string | null }> {
    return new Promise((resolve, reject) => {
      const running = spawn(process.execPath, [child, folder], { stdio: ["ignore", "pipe", "inherit"] });
      let output = "";
      let dying = false;
      running.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (dying || output.split("\n").length <= lines) return;
        dying = true;
        setTimeout(() => running.kill("SIGKILL"), delay);
      });
      running.on("error", reject);
      running.on("close", (code, signal) => {
        if (code !== 0 && signal !== "SIGKILL") reject(new Error(`the child ended with ${String(code)}`));
        else resolve({ lines: output.split("\n").filter(Boolean), signal });
      });
    });
  }

  test("at any moment, then resuming, gives the bits of a run that was never killed", async () => {
    const whole = join(base, "whole");
    const killed = join(base, "killed");
    expect((await train(whole)).signal).toBeNull();
    const kills: (string | null)[] = [];
    // During the start, a step or a save, depending on the machine.
    for (const [lines, delay] of [
      [1, 0],
      [3, 1],
      [4, 7],
      [5, 12],
      [3, 3],
    ] as const) {
      kills.push((await train(killed, lines, delay)).signal);
    }
    expect(kills).toContain("SIGKILL");
    const last = await train(killed);
    expect(JSON.parse(last.lines[0]!)).toMatchObject({ resumed: true });
    expect(last.lines.length).toBeLessThan(25); // it did not start from the beginning
    const [expected, actual] = await Promise.all(
      [whole, killed].map((folder) => readFile(join(folder, "state.safetensors"))),
    );
    expect(actual!.equals(expected!)).toBe(true);
    const log = async (folder: string) =>
      (await readFile(join(folder, "log.jsonl"), "utf8"))
        .trim()
        .split("\n")
        .map((line) => {
          const { step, loss, gradNorm, lr } = JSON.parse(line) as Record<string, number>;
          return { step, loss, gradNorm, lr };
        });
    expect(await log(killed)).toEqual(await log(whole));
    expect((await readdir(killed)).sort()).toEqual(["log.jsonl", "state.safetensors"]);
  });
});

test("a resumed run has the same bits, and removes later steps from its log", async () => {
  await using folder = await RunFolder.open(join(base, "on"));
  using other = model();
  using whole = new Trainer(languageModel(other), counting(12, 20), config);
  await take(whole, 6);
  {
    using lm = model();
    using trainer = new Trainer(languageModel(lm), counting(12, 20), config);
    expect(await folder.resume(trainer)).toBe(false);
    for await (const event of trainer.run()) {
      await folder.log(event);
      if (event.step === 3) await folder.save(trainer);
      if (event.step === 5) break;
    }
  }
  await writeFile(folder.logPath, '{"step":6,"lo', { flag: "a" });
  using lm = model({}, 99); // other weights, which the state replaces
  using trainer = new Trainer(languageModel(lm), counting(12, 20), config);
  expect(await folder.resume(trainer)).toBe(true);
  expect(trainer.step).toBe(3);
  const log = (await readFile(folder.logPath, "utf8")).trim().split("\n");
  expect(log.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([1, 2, 3]);
  await take(trainer, 3);
  expect(await contents(trainer)).toEqual(await contents(whole));
});

test("the state is a valid safetensors file, and keeps values that JSON cannot express", async () => {
  await using folder = await RunFolder.open(join(base, "format"));
  using lm = model();
  using trainer = new Trainer(languageModel(lm), counting(), { ...config, clipNorm: Infinity });
  await take(trainer, 1);
  await folder.save(trainer);
  await using file = await openSafetensors(folder.statePath);
  expect(file.tensors.size).toBe(3 * lm.parameters.size);
  const name = "backbone.layers.1.mixer.A_log";
  for (const [tensor, values] of await contents(trainer)) {
    if (!tensor.endsWith(name)) continue;
    expect(new Float32Array((await file.read(tensor)).buffer)).toEqual(values);
  }
  expect(await folder.resume(trainer)).toBe(true);
});

test("a state with NaN in it is not saved over a good one", async () => {
  await using folder = await RunFolder.open(join(base, "nan"));
  using lm = model();
  using trainer = new Trainer(languageModel(lm), counting(), config);
  await take(trainer, 1);
  await folder.save(trainer);
  const good = await readFile(folder.statePath);
  kernel.write(lm.parameters.get("backbone.norm_f.weight")!, 0, Float32Array.of(Infinity));
  await expect(folder.save(trainer)).rejects.toThrow(expect.objectContaining({ code: "NON_FINITE" }));
  expect((await readFile(folder.statePath)).equals(good)).toBe(true);
  expect((await readdir(folder.path)).sort()).toEqual(["lock", "state.safetensors"]);
});

describe("refuses to resume", () => {
  async function saved(name: string): Promise<RunFolder> {
    const folder = await RunFolder.open(join(base, name));
    using lm = model();
    using trainer = new Trainer(languageModel(lm), counting(), config);
    await take(trainer, 1);
    await folder.save(trainer);
    return folder;
  }
  async function expectRefused(folder: RunFolder, trainer: Trainer, message: string): Promise<void> {
    const before = await contents(trainer);
    const resumed = folder.resume(trainer);
    await expect(resumed).rejects.toThrow(expect.objectContaining({ code: "RESUME" }));
    await expect(resumed).rejects.toThrow(message);
    expect(trainer.step).toBe(0);
    expect(await contents(trainer)).toEqual(before);
  }

  test("another run, naming what differs", async () => {
    const folder = await saved("other");
    using lm = model();
    using wide = model({ dModel: 24 });
    using lr = new Trainer(languageModel(lm), counting(), { ...config, lr: 5e-4 });
    await expectRefused(folder, lr, "the saved run has training.lr 0.001, this one 0.0005");
    using chunks = new Trainer(languageModel(lm), counting(), { ...config, segmentLength: 4 });
    await expectRefused(folder, chunks, "training.segmentLength null, this one 4");
    using data = new Trainer(languageModel(lm), counting(13), config);
    await expectRefused(folder, data, 'data "counting, length 12", this one "counting, length 13"');
    using width = new Trainer(languageModel(wide), counting(), config);
    await expectRefused(folder, width, "model.dModel 16, this one 24");
  });

  test("a damaged file, before anything is changed", async () => {
    const folder = await saved("damaged");
    const bytes = await readFile(folder.statePath);
    using lm = model({}, 2);
    using trainer = new Trainer(languageModel(lm), counting(), config);
    const replaced = (from: string, to: string) =>
      Buffer.from(bytes.toString("latin1").replace(from, to), "latin1");
    const long = Buffer.from(bytes);
    long.writeBigUInt64LE(2n ** 60n);
    for (const [damage, message] of [
      [Buffer.alloc(0), "ends at byte 0"],
      [bytes.subarray(0, 5), "ends at byte 5"],
      [long, "the header would be 1152921504606846976 bytes"],
      [bytes.subarray(0, -4), `the file has ${bytes.length - 4} bytes, its tensors need ${bytes.length}`],
      [Buffer.concat([bytes, Buffer.alloc(4)]), "4 bytes after the last tensor"],
      [Buffer.alloc(64, 1), "the header would be"],
      [replaced("mamba_train", "mamba_trees"), "its header has no training state"],
      [replaced("__metadata__", "__metadaty__"), 'tensor "__metadaty__" has dtype'],
      [replaced('{\\"step\\"', '{\\"stop\\"'), "lacks step"],
      [replaced('\\"step\\":1', '\\"step\\":9'), "the saved step must be from 0 to 6, got 9"],
      [replaced('\\"step\\":1', '\\"step\\":}'), "its training state is not JSON"],
      [replaced('"F32"', '"F16"'), "takes"],
      [replaced("norm_f", "norm_g"), "its tensors are not those of the model: expected backbone.norm_f"],
    ] as const) {
      await writeFile(folder.statePath, damage);
      await expectRefused(folder, trainer, message);
    }
  });
});

test("opening a folder deletes incomplete files of a killed process, and nothing else", async () => {
  const path = join(base, "leftovers");
  await (await RunFolder.open(path)).close();
  await writeFile(join(path, ".state.safetensors.0123456789ab.tmp"), "half");
  await writeFile(join(path, "notes.tmp"), "mine");
  await using folder = await RunFolder.open(path);
  expect((await readdir(path)).sort()).toEqual(["lock", "notes.tmp"]);
  expect(await folder.hasState()).toBe(false);

  // The owner may be writing: nothing is deleted.
  await writeFile(join(path, ".state.safetensors.0123456789ab.tmp"), "half");
  await expect(RunFolder.open(path)).rejects.toMatchObject({ code: "IN_USE" });
  expect(await readdir(path)).toContain(".state.safetensors.0123456789ab.tmp");
});
