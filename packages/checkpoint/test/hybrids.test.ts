import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../src/architectures/index.ts";
import {
  convertCheckpoint,
  inspectCheckpoint,
  openSafetensors,
  openGguf,
  type WrittenTensor,
} from "../src/index.ts";
import { temporaryFolder } from "./support/folders.ts";

// Every golden checkpoint of Mamba-2 and of hybrids, from files to files.

const goldens = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));
const folders = readdirSync(goldens).filter((name) =>
  /^lm-(?:mamba2|granite|falcon-h1|nemotron|jamba)/.test(name),
);

/** The values of all tensors of a folder, by their names. */
async function valuesOf(folder: string): Promise<ReadonlyMap<string, Float32Array>> {
  await using file = await openSafetensors(join(folder, "model.safetensors"));
  const values = new Map<string, Float32Array>();
  for (const name of file.tensors.keys())
    values.set(name, new Float32Array((await file.read(name)).slice().buffer));
  return values;
}

/** The largest difference of two sets of tensors with the same names, relative to the largest value of each. */
function largestDifference(
  a: ReadonlyMap<string, Float32Array>,
  b: ReadonlyMap<string, Float32Array>,
): number {
  expect([...b.keys()].sort()).toEqual([...a.keys()].sort());
  let worst = 0;
  for (const [name, values] of a) {
    const others = b.get(name) ?? new Float32Array();
    expect(others, name).toHaveLength(values.length);
    const scale = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-30);
    for (const [i, value] of values.entries())
      worst = Math.max(worst, Math.abs(value - (others[i] ?? NaN)) / scale);
  }
  return worst;
}

const modelOf = async (folder: string) => {
  const { config } = parseConfig(await readFile(join(folder, "config.json")));
  return JSON.parse(JSON.stringify(config)) as unknown;
};

describe.each(folders)("%s", (name) => {
  const folder = join(goldens, name);

  test("is written with the same bytes, and the config of the same model", async () => {
    const target = await temporaryFolder();
    const { notes } = await convertCheckpoint(folder, target);
    expect(notes).toEqual([]);
    expect((await inspectCheckpoint(target)).format).toBe((await inspectCheckpoint(folder)).format);
    expect(await modelOf(target)).toEqual(await modelOf(folder));
    expect(largestDifference(await valuesOf(folder), await valuesOf(target))).toBe(0);
  });

  test("comes back from GGUF", async () => {
    const file = join(await temporaryFolder(), "model.gguf");
    await convertCheckpoint(folder, file);
    const target = await temporaryFolder();
    await convertCheckpoint(file, target);
    console.log(
      name,
      (await inspectCheckpoint(target)).format,
      largestDifference(await valuesOf(folder), await valuesOf(target)),
    );
  });
});
