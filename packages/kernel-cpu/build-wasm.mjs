// Compiles assembly/ to the two WebAssembly builds and writes each as a base64 string into src/generated/, so that the
// package needs no fetch and no file at run time.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = fileURLToPath(new URL(".", import.meta.url));
const builds = { simd: ["simd", "threads"], relaxed: ["simd", "threads", "relaxed-simd"] };
const options = [
  "assembly/index.ts",
  ...["--outFile", "out.wasm", "--runtime", "stub", "--use", "abort="],
  ...["--importMemory", "--sharedMemory", "--initialMemory", "2", "--maximumMemory", "65536"],
  ...["-O3", "--converge", "--noAssert"],
];

async function compile(features) {
  let wasm;
  const stderr = asc.createMemoryStream();
  const enable = features.flatMap((feature) => ["--enable", feature]);
  const { error } = await asc.main([...options, ...enable, "--baseDir", here], {
    stderr,
    writeFile: (name, data) => void (name.endsWith(".wasm") && (wasm = data)),
  });
  if (error) throw new Error(`assemblyscript failed: ${error.message}\n${stderr}`);
  return wasm;
}

await mkdir(new URL("src/generated/", import.meta.url), { recursive: true });
for (const [name, features] of Object.entries(builds)) {
  const bytes = await compile(features);
  const text = `/** ${features.join(" + ")}: ${bytes.length} bytes of WebAssembly. Made by build-wasm.mjs. */
export const ${name}Wasm =
  "${Buffer.from(bytes).toString("base64")}";
`;
  await writeFile(new URL(`src/generated/${name}.ts`, import.meta.url), text);
  console.log(`src/generated/${name}.ts: ${bytes.length} bytes of WebAssembly`);
}
