import { readFile } from "node:fs/promises";
import { evaluate, lossChartSvg, RunFolder, Trainer } from "./library.mjs";

/**
 * Trains in a folder to the last step; a stopped run goes on where it was. The model of the last step counts: evaluations on
 * held-out examples are for the curve, and nothing is chosen by them.
 *
 * @template E
 * @template {object} M
 * @param {import("./library.mjs").Trainable<E, M>} trainable
 * @param {{ train: import("./library.mjs").ExampleSource<E>, heldOut: import("./library.mjs").ExampleSource<E> }} sources
 * @param {import("./library.mjs").TrainConfigInput} config
 * @param {{ path: string, evaluateEvery: number, title: string }} run
 */
export async function trainRun(trainable, { train, heldOut }, config, { path, evaluateEvery, title }) {
  const folder = await RunFolder.open(path);
  const trainer = new Trainer(trainable, train, config);
  try {
    await folder.resume(trainer);
    for await (const event of trainer.run()) {
      await folder.log(event);
      const { step, loss } = event;
      if (step % evaluateEvery === 0 || step === config.steps) {
        const evaluation = await evaluate(trainable, heldOut, { batchSize: config.batchSize });
        await folder.log({ step, evaluation: { loss: evaluation.loss } });
        console.error(`${title}: step ${step}/${config.steps}, loss ${loss.toFixed(4)}, held out ${evaluation.loss.toFixed(4)}`);
      }
      if (step % 200 === 0 || step === config.steps) await folder.save(trainer);
    }
    const log = (await readFile(folder.logPath, "utf8")).trimEnd().split("\n");
    const points = log.map((line) => JSON.parse(line));
    const curves = {
      training: points.filter(({ loss }) => loss !== undefined),
      heldOut: points.flatMap(({ step, evaluation }) => (evaluation ? [{ step, loss: evaluation.loss }] : [])),
    };
    return { svg: lossChartSvg(curves, title), log: everyTenth(log) };
  } finally {
    trainer.dispose();
    await folder[Symbol.asyncDispose]();
  }
}

/** Keeps every tenth step of a log, and every evaluation. @param {readonly string[]} lines */
function everyTenth(lines) {
  const kept = lines.filter((line) => {
    const { step, evaluation } = JSON.parse(line);
    return evaluation !== undefined || step % 10 === 0;
  });
  return `${kept.join("\n")}\n`;
}
