import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readAll } from "../../test/readAll.ts";
import { csvFile, idxFile, npyFile } from "./arrayFiles.ts";
import { imageFile, imageFolder } from "./imageFolder.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mamba-arrays-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function refused(make: Promise<unknown>, message: string, code = "DATA"): Promise<void> {
  await expect(make).rejects.toThrow(expect.objectContaining({ code }));
  await expect(make).rejects.toThrow(message);
}

const grey = (...data: number[]) =>
  encode({ width: 2, height: data.length / 2, channels: 1, data: Uint8Array.from(data) });
const input = { height: 1, width: 2, channels: 1, mean: [0], std: [1] };

test("tables and arrays are read; wrong files are named", async () => {
  expect((await csvFile(await file("t.csv", "a\n1\n"))).numbers("a")).toEqual(Float64Array.of(1));
  await refused(
    csvFile(await file("latin.csv", Buffer.from("a\nb\n\xe9\n", "latin1"))),
    "latin.csv, line 3: expected text in UTF-8",
  );
  await refused(csvFile(join(folder, "none.csv")), "none.csv: ENOENT");
  await refused(npyFile(folder), "not a regular file");
  const idx = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 6);
  const array = { shape: [2], data: Uint8Array.of(5, 6) };
  expect(await idxFile(await file("plain", idx))).toEqual({ name: "plain", ...array });
  expect(await idxFile(await file("packed.gz", gzipSync(idx)))).toEqual({ name: "packed.gz", ...array });
  await refused(idxFile(await file("cut.gz", gzipSync(idx).subarray(0, 15))), "cut.gz: expected gzip data");
});

test("a folder of images per class", async () => {
  const path = join(folder, "animals");
  await file("animals/dog/b.PNG", grey(0, 255));
  await file("animals/dog/a.png", grey(255, 51));
  await file("animals/cat/x.png", grey(0, 0));
  await file("animals/dog/.hidden", "");
  const source = await imageFolder(path, input);
  expect(source).toMatchObject({ count: 3, data: { kind: "images", labels: ["cat", "dog"], ...input } });
  expect(await readAll(source)).toEqual([
    { input: Float32Array.of(0, 0), target: 0 },
    { input: Float32Array.of(1, 0.2), target: 1 },
    { input: Float32Array.of(0, 1), target: 1 },
  ]);
  expect(await source.example(1)).toBe(await source.example(1));
  const uncached = await imageFolder(path, { ...input, cacheBytes: 0 });
  expect(await uncached.example(1)).not.toBe(await uncached.example(1));
  const given = await imageFolder(path, { ...input, labels: ["bird", "dog", "cat"] });
  expect((await readAll(given)).map(({ target }) => target)).toEqual([2, 1, 1]);
  expect((await imageFile(join(path, "dog/b.PNG"))).data).toEqual(Uint8Array.of(0, 255));

  await refused(imageFolder(path, { ...input, labels: ["dog"] }), "cat: expected a folder of dog, got cat");
  await refused(imageFolder(path, { ...input, channels: 2 }), "channels must be 1 or 3", "CONFIG");
  await refused(imageFolder(join(path, "dog"), input), "a.png: expected a folder per class, got a file");
  await refused(imageFolder(join(folder, "none"), input), "ENOENT");
  await file("animals/cat/notes.txt", "");
  await refused(
    imageFolder(path, input),
    "notes.txt: expected an image, .png, .jpg, .jpeg, got another file",
  );
  await rm(join(path, "cat/notes.txt"));
  await file("animals/cat/cut.png", grey(1, 2).subarray(0, 40));
  await refused(
    readAll(await imageFolder(path, input)),
    "animals/cat/cut.png: expected a whole PNG image, got a file that ends at byte 40",
  );
  await mkdir(join(folder, "empty/a"), { recursive: true });
  await refused(
    imageFolder(join(folder, "empty"), input),
    "expected a folder per class, at least two, got 1",
  );
  await mkdir(join(folder, "empty/b"));
  await refused(imageFolder(join(folder, "empty"), input), "a: expected images, got an empty folder");
});
