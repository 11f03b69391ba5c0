import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { findChromium } from "../chromium.mjs";
import { installPeers } from "../peers/install.mjs";
import { root } from "../workspace.mjs";
import { measureInChromium } from "./browser.mjs";
import { modelFile } from "./models.mjs";

// `pnpm bench:llama`: this project beside llama.cpp (node-llama-cpp) and, in Chromium, beside wllama, in turns on the same machine.
// Each turn is a process of its own with two threads; both programs read the same GGUF files, which hold random weights in the
// shapes of published models. The figures are medians over the rounds.

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    models: { type: "string", default: "mamba-130m" },
    types: { type: "string", default: "f32,f16,q8_0,q4_0" },
    length: { type: "string", default: "512" },
    tokens: { type: "string", default: "48" },
    "no-browser": { type: "boolean", default: false },
    node: { type: "string", default: process.execPath }, // another Node for this project's turns
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number, got ${values.rounds}`);
const sizes = { length: Number(values.length), tokens: Number(values.tokens) };

/**
 * @typedef {{ prefill: number, decode: number }} Theirs
 * @typedef {import("./measureOurs.mjs").Speeds & { bytesPerSecond: number, memory: Memory }} Ours
 * @typedef {{ before: number, resident: number, predicted: number }} Memory bytes of the process before the weights are loaded and
 * after decoding, and those of the file with the state of one sequence
 */

/** @param {string} command @param {string[]} args */
function json(command, ...args) {
  return JSON.parse(execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
}

/** @param {string} path @returns {Theirs} */
const llama = (path) =>
  json(
    process.execPath,
    `${root}tooling/peers/llama.mjs`,
    "measure",
    path,
    `${sizes.length}`,
    `${sizes.tokens}`,
  );

/** @param {string} path @returns {Ours} */
const ours = (path) =>
  json(values.node, `${root}tooling/benchLlama/ours.mjs`, path, `${sizes.length}`, `${sizes.tokens}`);

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** @param {number} value @param {number} [digits] */
const fixed = (value, digits = 0) => value.toFixed(digits).padStart(6);

installPeers();
const models = values.models.split(",");
/** @type {{ shape: string, type: string, path: string, theirs: Theirs[], ours: Ours[] }[]} */
const found = [];
for (const shape of models) {
  for (const type of values.types.split(",")) {
    found.push({ shape, type, path: await modelFile(shape, type), theirs: [], ours: [] });
  }
}
for (let round = 0; round < rounds; round++) {
  for (const { shape, type, path, theirs, ours: own } of found) {
    theirs.push(llama(path));
    own.push(ours(path));
    console.error(`round ${round + 1} of ${rounds}: ${shape} ${type}`);
  }
}

const all = found.flatMap(({ ours }) => ours);
const bytesPerSecond = Math.max(...all.map((each) => each.bytesPerSecond));
console.log(`random weights, two threads, tokens per second: medians of ${rounds} rounds`);
console.log(
  `ours: Node ${execFileSync(values.node, ["--version"], { encoding: "utf8" }).trim()}; ` +
    `memory is read at ${(bytesPerSecond / 1e9).toFixed(1)} GB/s\n`,
);
console.log(
  "model and type               prefill: llama.cpp, ours, ratio   decode: llama.cpp, ours, ratio, of the byte ceiling   eight at once",
);
for (const { shape, type, path, theirs, ours: own } of found) {
  /** @param {keyof Theirs} name */
  const pair = (name) => {
    const [llama, mine] = [median(theirs.map((each) => each[name])), median(own.map((each) => each[name]))];
    return { mine, text: `${fixed(llama)} ${fixed(mine)} ${fixed(mine / llama, 2)}` };
  };
  const [prefill, decode] = [pair("prefill"), pair("decode")];
  const ofCeiling = (100 * decode.mine * statSync(path).size) / bytesPerSecond;
  const eight = fixed(median(own.map(({ decodeEight }) => decodeEight)));
  console.log(
    `${`${shape} ${type}`.padEnd(34)}   ${prefill.text}              ${decode.text}   ${fixed(ofCeiling)} %              ${eight}`,
  );
}

console.log(
  "\nmemory: of the process, before the weights, of the file and the state; ratio, without what was before",
);
for (const { shape, type, ours: own } of found) {
  /** @param {keyof Memory} name */
  const megabytes = (name) => median(own.map(({ memory }) => memory[name])) / 1e6;
  const [resident, before, predicted] = [megabytes("resident"), megabytes("before"), megabytes("predicted")];
  const ratios = [resident / predicted, (resident - before) / predicted].map((ratio) => fixed(ratio, 3));
  console.log(
    `${`${shape} ${type}`.padEnd(34)} ${fixed(resident)} ${fixed(before)} ${fixed(predicted)} MB   ${ratios.join(" ")}`,
  );
}

if (values["no-browser"]) console.log("\nChromium: not measured (--no-browser)");
else if (findChromium() === undefined)
  console.log("\nChromium: NOT MEASURED, none was found; set CHROMIUM_PATH");
else {
  for (const shape of models) {
    const path = await modelFile(shape, "q8_0");
    /** @type {Awaited<ReturnType<typeof measureInChromium>>[]} */
    const turns = [];
    for (let round = 0; round < rounds; round++) turns.push(await measureInChromium(path, sizes));
    console.log(`\nChromium, ${shape} q8_0: wllama, ours, ratio`);
    for (const name of /** @type {const} */ (["prefill", "decode"])) {
      const [theirs, mine] = [
        median(turns.map(({ wllama }) => wllama[name])),
        median(turns.map(({ ours }) => ours[name])),
      ];
      console.log(`${name.padEnd(10)} ${fixed(theirs)} ${fixed(mine)} ${fixed(mine / theirs, 2)}`);
    }
  }
}
