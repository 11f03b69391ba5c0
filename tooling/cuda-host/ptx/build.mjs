import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { buildStandIn } from "../build.mjs";
import { preamble, translate } from "./translate.mjs";

// Builds a stand-in that executes nvcc's PTX.
//
//   node tooling/cuda-host/ptx/build.mjs [kernels.ptx]     default: packages/kernel-cuda/generated/kernels.ptx.gz

const ours = fileURLToPath(
  new URL("../../../packages/kernel-cuda/generated/kernels.ptx.gz", import.meta.url),
);
const include = fileURLToPath(new URL("./include/", import.meta.url));

/**
 * @param {{ name?: string, file?: string, text?: string }} [options] name: of the folder under build/; file: the PTX
 *   file, default that of packages/kernel-cuda; text: the PTX, when the file is not to be read
 * @returns {Promise<string>} the path of its libcuda.so.1
 */
export async function buildPtx({ name = "ptx", file = ours, text = readPtx(file) } = {}) {
  const headers = readdirSync(include)
    .sort()
    .map((header) => readFileSync(include + header, "utf8"));
  const units = group([...translate(text, file.replace(/^.*\//, ""))]).map(({ kernel, source }) => ({
    name: `ptx-${kernel}`,
    key: createHash("sha256")
      .update(JSON.stringify([source, headers]))
      .digest("hex"),
    text: async () => preamble + source,
    // nvcc has optimized the PTX. -O2 takes twice as long to compile as the tests gain from it.
    options: ["-O1"],
  }));
  return buildStandIn({ name, level: "PTX", units });
}

/** @param {string} file plain or compressed */
function readPtx(file) {
  const bytes = readFileSync(file);
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
}

/** Parsing the headers takes as long as compiling this many characters. */
const chunk = 50_000;

/**
 * @param {[string, string][]} kernels and their C++
 * @returns {{ kernel: string, source: string }[]} units to compile: small GPU kernels are joined under the name of the first
 */
function group(kernels) {
  /** @type {{ kernel: string, source: string }[]} */
  const groups = [];
  for (const [kernel, source] of kernels) {
    const last = groups.at(-1);
    if (last === undefined || last.source.length + source.length > chunk) groups.push({ kernel, source });
    else last.source += source;
  }
  return groups;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = ours] = process.argv.slice(2);
  console.log(await buildPtx({ file }));
}
