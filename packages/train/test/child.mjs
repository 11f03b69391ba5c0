import { MambaLM, uniformAt } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { languageModel, Trainer } from "@mamba/train";
import { RunFolder } from "@mamba/train/node";

// Trains in the folder given as argument, and saves after every step, until the run ends or the process is killed.

const kernel = await createCpuKernel({ threads: 2 });
const model = MambaLM.init(kernel, { dModel: 32, nLayers: 2, vocabSize: 16 }, 5);
const draw = (/** @type {number} */ index, /** @type {number} */ i) =>
  Math.floor(uniformAt(2, index, i) * 16);
/** @type {import("@mamba/train").DataSource} */
const source = {
  id: "random tokens",
  vocabSize: 16,
  count: undefined,
  example: (index) => {
    const ids = Int32Array.from({ length: 49 }, (_, i) => draw(index, i));
    return { ids: ids.slice(0, -1), targets: ids.slice(1) };
  },
};
const trainer = new Trainer(languageModel(model), source, {
  steps: 24,
  batchSize: 4,
  accumulation: 2,
  warmupSteps: 4,
  seed: 9,
});
const folder = await RunFolder.open(process.argv[2] ?? "");
console.log(JSON.stringify({ resumed: await folder.resume(trainer), from: trainer.step }));
for await (const event of trainer.run()) {
  await folder.log(event);
  await folder.save(trainer);
  console.log(JSON.stringify(event));
}
await folder.close();
await kernel.dispose();
