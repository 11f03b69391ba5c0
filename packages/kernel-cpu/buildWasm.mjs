// Compiles assembly/ to the two WebAssembly builds and writes each as a gzipped base64 string into src/generated/, so that the
// package needs no fetch and no file at run time. Base64 text hardly compresses, so the bytes are gzipped first. Also generates
// src/generated/records.ts: see generateRecords.mjs.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import asc from "assemblyscript/asc";
import { Transform } from "assemblyscript/transform";
import { generateRecords } from "./generateRecords.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const builds = { simd: ["simd", "threads"], relaxed: ["simd", "threads", "relaxed-simd"] };
const options = [
  "assembly/index.ts",
  ...["--outFile", "out.wasm", "--runtime", "stub", "--use", "abort=", "--exportTable"],
  ...["--importMemory", "--sharedMemory", "--initialMemory", "2", "--maximumMemory", "65536"],
  ...["-O3", "--converge", "--noAssert"],
  // index.ts exports the record classes for generateRecords.mjs; they do not become exports of the module.
  ...["--disableWarning", "235"],
];

async function compile(features) {
  let wasm;
  let records;
  class Records extends Transform {
    afterCompile() {
      records = generateRecords(this.program);
    }
  }
  const stderr = asc.createMemoryStream();
  const enable = features.flatMap((feature) => ["--enable", feature]);
  const { error } = await asc.main([...options, ...enable, "--baseDir", here], {
    stderr,
    transforms: [Records],
    writeFile: (name, data) => void (name.endsWith(".wasm") && (wasm = data)),
  });
  if (error) throw new Error(`assemblyscript failed: ${error.message}\n${stderr}`, { cause: error });
  return { wasm, records };
}

const generated = new URL("src/generated/", import.meta.url);
await mkdir(generated, { recursive: true });
for (const [name, features] of Object.entries(builds)) {
  const { wasm, records } = await compile(features);
  const text = `/** ${features.join(" + ")}: ${wasm.length} bytes of WebAssembly, gzipped, in base64. Made by buildWasm.mjs. */
export const ${name}Wasm =
  "${gzipSync(wasm, { level: 9 }).toString("base64")}";
`;
  await writeFile(new URL(`${name}.ts`, generated), text);
  await writeFile(new URL("records.ts", generated), records);
  console.log(`src/generated/${name}.ts: ${wasm.length} bytes of WebAssembly`);
}
