import { table } from "@mamba/display";
import type { Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import type { EvalData, Evaluated } from "./evaluateArrays.ts";
import { openImages } from "./imagesData.ts";
import type { VisionModel } from "./loadArrayModel.ts";

/** Evaluates classes of images. @throws CliError `USAGE`, TrainError `DATA` */
export async function evaluateImages(
  { model, data }: VisionModel,
  { data: path, labels, heldOut = 0, seed, examples, batchSize }: EvalData,
  host: Host,
): Promise<Evaluated> {
  const { classifier, evaluate } = await import("@mamba/train");
  const { splitSource } = await import("@mamba/train/data");
  const all = await openImages({ path, labels }, data);
  const source = heldOut === 0 ? all : splitSource(all, { heldOut, seed }).heldOut;
  using bar = progress(host, "evaluating", String);
  const total = examples ?? source.count;
  const found = await evaluate(classifier(model), source, {
    ...{ examples, batchSize, signal: host.signal },
    onProgress: (done) => bar.update(done, Math.max(done, total)),
  });
  const { loss, accuracy, macroF1, targets, classes } = found;
  const results = classes.map((score, i) => ({ label: data.labels[i] ?? String(i), ...score }));
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
  const lines = results.map((each) => [
    each.label,
    String(each.targets),
    ...[each.precision, each.recall, each.f1].map(percent),
  ]);
  const head = ["class", "images", "precision", "recall", "F1"];
  return {
    json: { examples: found.examples, targets, loss, accuracy, macroF1, results } as Evaluated["json"],
    text: `${table([head, ...lines], [1, 2, 3, 4])}\n\naccuracy ${percent(accuracy)}, macro F1 ${percent(macroF1)}, loss ${loss.toFixed(4)}\n`,
  };
}
