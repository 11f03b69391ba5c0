import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openSafetensors, writeSafetensors } from "@mamba/checkpoint";
import { temporaryPath } from "@mamba/files";
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
    expect((await readdir(killed)).sort()).toEqual([
      "log.jsonl",
      "state.previous.safetensors",
      "state.safetensors",
    ]);
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
    expect(await folder.resume(trainer)).toBeUndefined();
    for await (const event of trainer.run()) {
      await folder.log(event);
      if (event.step === 3) await folder.save(trainer);
      if (event.step === 5) break;
    }
  }
  await writeFile(folder.logPath, '{"step":6,"lo', { flag: "a" });
  using lm = model({}, 99); // other weights, which the state replaces
  using trainer = new Trainer(languageModel(lm), counting(12, 20), config);
  expect(await folder.resume(trainer)).toEqual({ step: 3, damage: undefined });
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
  expect(await folder.resume(trainer)).toMatchObject({ step: 1 });
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

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
};

test("a damaged state: the one before is restored, and the result says so", async () => {
  await using folder = await RunFolder.open(join(base, "fallback"));
  using other = model();
  using whole = new Trainer(languageModel(other), counting(12, 20), config);
  await take(whole, 6);
  using lm = model();
  using trainer = new Trainer(languageModel(lm), counting(12, 20), config);
  for await (const event of trainer.run()) {
    await folder.log(event);
    if (event.step <= 4) await folder.save(trainer);
    if (event.step === 4) break;
  }
  const last = await readFile(folder.statePath);
  await writeFile(folder.statePath, flipped(last, last.length - 3));
  using again = model({}, 99);
  using second = new Trainer(languageModel(again), counting(12, 20), config);
  expect(await folder.resume(second)).toEqual({
    step: 3,
    damage: expect.stringContaining("state.safetensors: the file is damaged") as string,
  });
  expect((await readFile(folder.logPath, "utf8")).trim().split("\n")).toHaveLength(3);
  await take(second, 3);
  expect(await contents(second)).toEqual(await contents(whole));

  // A state of another run is not damage, and nothing older is restored instead.
  await writeFile(folder.statePath, last);
  using slower = new Trainer(languageModel(again), counting(12, 20), { ...config, lr: 1e-5 });
  await expect(folder.resume(slower)).rejects.toThrow("training.lr 0.001, this one 0.00001");
  // Without a last state, as after a manual deletion, the one before serves; two damaged ones are refused.
  await rm(folder.statePath);
  expect(await folder.hasState()).toBe(true);
  expect(await folder.resume(second)).toMatchObject({
    step: 3,
    damage: expect.stringContaining("there is no such file") as string,
  });
  await writeFile(folder.statePath, "");
  await writeFile(folder.previousPath, "");
  await expect(folder.resume(second)).rejects.toMatchObject({
    code: "RESUME",
    message: expect.stringContaining("the state before is damaged too") as string,
  });
});

test("a state with NaN in it is refused, even with a right checksum", async () => {
  await using folder = await RunFolder.open(join(base, "nan-inside"));
  using lm = model();
  using trainer = new Trainer(languageModel(lm), counting(), config);
  await take(trainer, 1);
  const names = trainer.tensors().map(({ name }) => name);
  const [, bad = ""] = names;
  // A trainer whose check is left out writes such a state.
  const careless = {
    state: () => trainer.state(),
    tensors: () =>
      trainer.tensors().map((tensor) => ({
        ...tensor,
        read: async () => (await tensor.read()).fill(tensor.name === bad ? NaN : 0.5),
      })),
  } as unknown as Trainer<unknown>;
  await folder.save(careless);
  await expect(folder.resume(trainer)).rejects.toMatchObject({
    code: "RESUME",
    message: expect.stringContaining(`${bad} has the value NaN`) as string,
  });
  expect(trainer.step).toBe(1);
});

test("a finished run goes on with more steps; fewer are refused", async () => {
  await using folder = await RunFolder.open(join(base, "longer"));
  const constant = { ...config, schedule: "constant" as const };
  {
    using lm = model();
    using trainer = new Trainer(languageModel(lm), counting(12, 20), constant);
    await take(trainer, 6);
    await folder.save(trainer);
  }
  using lm = model({}, 9);
  using longer = new Trainer(languageModel(lm), counting(12, 20), { ...constant, steps: 9 });
  expect(await folder.resume(longer)).toMatchObject({ step: 6 });
  for await (const event of longer.run()) await folder.log(event);
  expect(longer.step).toBe(9);
  await folder.save(longer);
  // With a constant learning rate the result is that of a run that had nine steps from the start.
  using other = model();
  using whole = new Trainer(languageModel(other), counting(12, 20), { ...constant, steps: 9 });
  await take(whole, 9);
  expect(await contents(longer)).toEqual(await contents(whole));

  using shorter = new Trainer(languageModel(lm), counting(12, 20), constant);
  await expect(folder.resume(shorter)).rejects.toThrow("the saved run has training.steps 9, this one 6");
});

const noMkfifo = spawnSync("mkfifo", ["--version"]).error !== undefined;

describe("something else than a file in a run's folder is refused, and nothing hangs", () => {
  async function refused(name: string, make: (path: string) => Promise<unknown>): Promise<void> {
    const folder = await mkdtemp(join(base, "odd-"));
    await make(join(folder, name));
    await expect(RunFolder.open(folder)).rejects.toMatchObject({
      code: "RESUME",
      message: expect.stringContaining(`${name}: expected a file`) as string,
    });
    expect(await readdir(folder)).toEqual([name]); // the lock is released
  }
  test("a folder", () => refused("state.safetensors", (path) => mkdir(path)));
  test("a broken link", () => refused("state.previous.safetensors", (path) => symlink("nowhere", path)));
  test.skipIf(noMkfifo)(`a pipe${noMkfifo ? " (there is no mkfifo)" : ""}`, () =>
    refused("log.jsonl", (path) => promisify(execFile)("mkfifo", [path])),
  );
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
      [replaced('\\"step\\":1', '\\"step\\":9'), "the file is damaged: its content has the checksum"],
      [replaced('\\"step\\":1', '\\"step\\":}'), "its training state: unexpected character"],
      [replaced('"mamba_sha256"', '"mamba_sha257"'), "its header has no checksum"],
      [replaced('"F32"', '"F16"'), "takes"],
      [replaced("norm_f", "norm_g"), "the file is damaged: its content has the checksum"],
      [flipped(bytes, bytes.length - 1), "the file is damaged: its content has the checksum"],
      [flipped(bytes, bytes.length >> 1), "the file is damaged: its content has the checksum"],
    ] as const) {
      await writeFile(folder.statePath, damage);
      await expectRefused(folder, trainer, message);
    }
    const deep = `{"step":${"[".repeat(2e4)}${"]".repeat(2e4)}}`;
    await writeSafetensors(folder.statePath, [], { mamba_train: deep });
    await expectRefused(folder, trainer, "its training state: nesting deeper than 64");
  });
});

test("opening a folder deletes incomplete files of a killed process, and nothing else", async () => {
  const path = join(base, "leftovers");
  await (await RunFolder.open(path)).close();
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const half = basename(temporaryPath("state.safetensors")).replace(/\.\d+-/, `.${pid}-`);
  await writeFile(join(path, half), "half");
  await writeFile(join(path, "notes.tmp"), "mine");
  await using folder = await RunFolder.open(path);
  expect((await readdir(path)).sort()).toEqual(["lock", "notes.tmp"]);
  expect(await folder.hasState()).toBe(false);

  // The owner may be writing: nothing is deleted.
  await writeFile(join(path, half), "half");
  await expect(RunFolder.open(path)).rejects.toMatchObject({ code: "IN_USE" });
  expect(await readdir(path)).toContain(half);
});
