import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { generate, MambaLM } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";

// The checks of what a JavaScript runtime can do with the packages, one per process: `checks.mjs <name>` prints the result
// as JSON. It runs in a project that has the packages and `model`, a tiny checkpoint; the arguments after the name are those
// that start a script in this runtime.

const [, , name = "", ...start] = process.argv;

/** @param {number} threads */
async function generated(threads) {
  const kernel = await createCpuKernel({ threads });
  // Wide enough that its products are divided among the threads.
  const model = MambaLM.init(kernel, { dModel: 256, nLayers: 4, vocabSize: 1000 }, 1);
  const ids = [];
  for await (const { id } of generate(model, [3, 1, 4, 1, 5], { maxTokens: 16, seed: 7 })) ids.push(id);
  model.dispose();
  await kernel.dispose();
  return { device: kernel.capabilities.device, ids };
}

/** @param {readonly string[]} args */
function cli(args) {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("@mamba/cli/package.json");
  const [main = ""] = Object.values(require(manifest).bin);
  const script = realpathSync(join(dirname(manifest), main));
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [...start, script, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw error ?? new Error(`exit code ${status}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}

/** @type {Record<string, () => Promise<unknown>>} */
export const checks = {
  async import() {
    const names =
      "core core/safetensors kernel kernel/author kernel/quantize kernel-cpu kernel-webgpu kernel-cuda conformance";
    const all = `${names} checkpoint checkpoint/browser train train/data train/node`.split(" ");
    for (const entry of all) {
      const found = await import(`@mamba/${entry}`);
      if (Object.keys(found).length === 0) throw new Error(`${entry} exports nothing`);
    }
    return all.length;
  },

  "generate, one thread": () => generated(1),

  async "generate, two threads"() {
    const { device, ids } = await generated(2);
    if (!/\b2 threads/.test(device)) throw new Error(`the kernel has other threads: ${device}`);
    return { device, ids };
  },

  async "load safetensors"() {
    const { loadCheckpoint } = await import("@mamba/checkpoint");
    const kernel = await createCpuKernel({ threads: 1 });
    const { model } = await loadCheckpoint(kernel, "model");
    const ids = [];
    for await (const { id } of generate(model, [72, 105], { maxTokens: 8, temperature: 0 })) ids.push(id);
    model.dispose();
    await kernel.dispose();
    return { ids };
  },

  async "train three steps"() {
    const { languageModel, Trainer } = await import("@mamba/train");
    const kernel = await createCpuKernel({ threads: 2 });
    const model = MambaLM.init(kernel, { dModel: 32, nLayers: 2, vocabSize: 16 }, 1);
    const counting = {
      ...{ id: "counting", vocabSize: 16, count: undefined },
      example(/** @type {number} */ index) {
        const ids = Int32Array.from({ length: 32 }, (_, i) => (index + i) % 16);
        return { ids, targets: ids.map((id) => (id + 1) % 16) };
      },
    };
    const trainer = new Trainer(languageModel(model), counting, { steps: 3, lr: 1e-3 });
    const losses = [];
    for await (const { loss } of trainer.run()) losses.push(loss);
    trainer.dispose();
    model.dispose();
    await kernel.dispose();
    return { losses };
  },

  async "CLI: generate"() {
    const { ids } = cli(
      "generate Hello --model model --backend cpu --max-tokens 8 --seed 1 --json".split(" "),
    );
    return { ids };
  },

  async "CLI: backends"() {
    /** @type {{ name: string, ok: boolean, code?: string, reason?: string }[]} */
    const found = cli(["backends", "--json"]);
    // The probe of a driver runs a script in a process of its own.
    const unexpected = found.find(({ reason = "" }) =>
      /cannot find module|is not defined|exit code/i.test(reason),
    );
    if (found.length !== 3 || unexpected) throw new Error(JSON.stringify(found));
    return Object.fromEntries(
      found.map(({ name, ok, code, reason }) => [name, ok ? "ok" : `${code}: ${reason}`]),
    );
  },
};

if (name !== "") {
  const check = checks[name];
  if (!check) throw new Error(`there is no check ${name}`);
  const begin = performance.now();
  const result = await check();
  console.log(JSON.stringify({ result, seconds: (performance.now() - begin) / 1000 }));
}
