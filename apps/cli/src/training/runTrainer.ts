import { join } from "node:path";
import type { MambaLM } from "@mamba/core";
import { lossChartSvg, lossChartText } from "@mamba/display";
import type { Trainer } from "@mamba/train";
import type { RunFolder } from "@mamba/train/node";
import type { Host } from "../program/host.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import type { HeldOut } from "./heldOut.ts";
import { readLog } from "./log.ts";
import { Report } from "./report.ts";
import type { TrainingData } from "./trainingData.ts";

/** Trains to the end, or until it is interrupted; then the state is saved first. */
export async function runTrainer(
  model: MambaLM,
  trainer: Trainer,
  folder: RunFolder,
  { saveEvery, heldOut, packTo }: { readonly saveEvery: number } & Pick<TrainingData, "heldOut" | "packTo">,
  host: Host,
): Promise<void> {
  const { steps, batchSize } = trainer.config;
  using report = new Report(host, steps);
  let saved = trainer.step;
  const save = async () => {
    if (saved !== trainer.step) await folder.save(trainer);
    saved = trainer.step;
  };
  const every = heldOut?.every(steps) ?? Infinity;
  const isDue = (step: number) => heldOut !== undefined && (step % every === 0 || step === steps);
  const evaluateHeldOut = async ({ source, examples, sample }: HeldOut) => {
    const { evaluate, languageModel } = await import("@mamba/train");
    const { signal } = host;
    const evaluation = await evaluate(languageModel(model, { packTo }), source, {
      ...{ examples, batchSize, signal },
    });
    report.evaluated(trainer.step, evaluation);
    const samples = await sample?.(model, signal);
    if (samples) report.answered(samples);
    await folder.log({ step: trainer.step, evaluation, samples });
  };
  try {
    // A run that was interrupted during an evaluation has a state of that step, and no evaluation in its log.
    if (heldOut && trainer.step > 0 && isDue(trainer.step)) {
      const { heldOut: points } = await readLog(folder.logPath);
      if (points.at(-1)?.step !== trainer.step) await evaluateHeldOut(heldOut);
    }
    for await (const event of trainer.run({ signal: host.signal })) {
      report.update(event);
      await folder.log(event);
      if (heldOut && isDue(event.step)) await evaluateHeldOut(heldOut);
      if (event.step % saveEvery === 0) await save();
    }
  } catch (error) {
    if (host.signal.aborted) await save();
    throw error;
  }
  await save();
}

/** Writes the loss curves as a picture and shows them on a terminal; does nothing when the log was deleted. */
export async function showCurves(folder: RunFolder, data: string, host: Host): Promise<void> {
  const curves = await readLog(folder.logPath);
  if (curves.training.length === 0) return;
  await writeAtomically(join(folder.path, "loss.svg"), lossChartSvg(curves, `loss in nats: ${data}`));
  if (host.stderr.isTTY) host.stderr.write(lossChartText(curves));
}
