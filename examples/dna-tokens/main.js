// Tells DNA that contains the motif TATAAA, on either strand, from DNA that does not: a bidirectional model over the tokens A, C,
// G and T, trained on reads of different lengths that are packed into rows.

import { SequenceModel, uniformAt } from "@mamba/core";
import { openKernel } from "@mamba/kernel";
import { classifier, evaluate, predict, Trainer } from "@mamba/train";
import { arraySource, packRows, splitSource } from "@mamba/train/data";

const bases = "ACGT";
const motifs = ["TATAAA", "TTTATA"]; // the motif, and its reverse complement
const tokens = (read) => Int32Array.from(read, (base) => bases.indexOf(base));

/** A random read of 20 to 80 bases; every second one has a motif. */
function draw(index) {
  let at = 0;
  const random = () => uniformAt(index, at++);
  const length = 20 + Math.floor(random() * 61);
  let read = "";
  do {
    read = Array.from({ length }, () => bases[Math.floor(random() * 4)]).join("");
  } while (motifs.some((motif) => read.includes(motif)));
  if (index % 2 === 0) return read;
  const place = Math.floor(random() * (length - 5));
  return read.slice(0, place) + motifs[index % 4 === 1 ? 0 : 1] + read.slice(place + 6);
}

const reads = Array.from({ length: 2000 }, (_, index) => draw(index));
const source = arraySource({ id: "reads", inputs: reads.map(tokens), targets: reads.map((_, i) => i % 2) });
const { train, heldOut } = splitSource(source);
const packTo = 160;
const { gain } = packRows(
  reads.map(({ length }) => length),
  packTo,
);
console.log(`packed rows hold ${gain.toFixed(2)} times as many bases as padded ones`);

const kernel = await openKernel([{ name: "cpu", load: () => import("@mamba/kernel-cpu") }]);
const model = SequenceModel.init(kernel, {
  input: { kind: "tokens", vocabSize: bases.length },
  direction: "bidirectional",
  pooling: "max",
  outputs: 2,
  dModel: 32,
  nLayers: 2,
});
const task = classifier(model, { packTo });
const trainer = new Trainer(task, train, { steps: 90, batchSize: 32, lr: 5e-3, warmupSteps: 10 });
for await (const { step, loss } of trainer.run()) if (step % 30 === 0) console.log(step, loss.toFixed(3));
const { accuracy } = await evaluate(task, heldOut);
console.log(`held out: accuracy ${accuracy.toFixed(3)}`);
const [[, probability]] = await predict(task, [tokens("GGCATATAAAGGCTCCATGCAT")]);
console.log(`probability of the motif: ${probability.toFixed(3)}`);
for (const item of [trainer, model]) item.dispose();
await kernel.dispose();
