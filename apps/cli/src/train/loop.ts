import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MambaLM } from "@mamba/core";
import type { Trainer } from "@mamba/train";
import type { RunFolder } from "@mamba/train/node";
import { codeOf } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import type { Host } from "../host.ts";
import { type Curves, curveSvg, drawCurve, parseLog } from "./curve.ts";
import type { HeldOut } from "./held-out.ts";
import { Report } from "./report.ts";

/** Trains to the end, or until it is interrupted: then the state is saved first. */
export async function train(
  model: MambaLM,
  trainer: Trainer,
  folder: RunFolder,
  { saveEvery, heldOut }: { readonly saveEvery: number; readonly heldOut: HeldOut | undefined },
  host: Host,
): Promise<void> {
  const { steps, batchSize } = trainer.config;
  using report = new Report(host, steps);
  let saved = trainer.step;
  const save = async () => {
    if (saved !== trainer.step) await folder.save(trainer);
    saved = trainer.step;
  };
  const isDue = (step: number) => heldOut !== undefined && (step % heldOut.every === 0 || step === steps);
  const judge = async ({ source, examples }: HeldOut) => {
    const { evaluate } = await import("@mamba/train");
    const { signal } = host;
    const evaluation = await evaluate(model, source, { examples, batchSize, signal });
    report.judged(trainer.step, evaluation);
    await folder.log({ step: trainer.step, evaluation });
  };
  try {
    // A run that was interrupted while it was judged owes the log that one.
    if (heldOut && trainer.step > 0 && isDue(trainer.step)) {
      const { heldOut: points } = await readCurves(folder);
      if (points.at(-1)?.step !== trainer.step) await judge(heldOut);
    }
    for await (const event of trainer.run({ signal: host.signal })) {
      report.update(event);
      await folder.log(event);
      if (heldOut && isDue(event.step)) await judge(heldOut);
      if (event.step % saveEvery === 0) await save();
    }
  } catch (error) {
    if (host.signal.aborted) await save();
    throw error;
  }
  await save();
}

/** The curves as a picture, and on a terminal below the run; nothing when the log was taken away. */
export async function showCurves(folder: RunFolder, data: string, host: Host): Promise<void> {
  const curves = await readCurves(folder);
  if (curves.training.length === 0) return;
  await writeAtomically(join(folder.path, "loss.svg"), curveSvg(curves, `loss in nats: ${data}`));
  if (host.stderr.isTTY) host.stderr.write(drawCurve(curves));
}

async function readCurves({ logPath }: RunFolder): Promise<Curves> {
  const log = await readFile(logPath, "utf8").catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
    return "";
  });
  return parseLog(log);
}
