import type { ImagesData, SequenceModel, SeriesData, VisionMamba } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { hubOptions, type ModelChoice } from "../checkpoints/loadModel.ts";
import { usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";

/** A model that forecasts the rows of a table. */
export interface SeriesModel {
  readonly model: SequenceModel;
  readonly data: SeriesData;
  readonly label: string;
}

/** A model that names the classes of images. */
export interface VisionModel {
  readonly model: VisionMamba;
  readonly data: ImagesData;
  readonly label: string;
}

/** A loaded model of arrays, with the preparation of its inputs. It is the caller's to dispose. */
export interface ArrayModelFile {
  readonly model: SequenceModel | VisionMamba;
  readonly label: string;
  readonly data: SeriesData | ImagesData;
  /** @throws CliError `USAGE` when it is no model of a series */
  series(): SeriesModel;
  /** @throws CliError `USAGE` when it is no model of images */
  images(): VisionModel;
}

/**
 * Loads a model of arrays with a progress bar, and prints its notes.
 *
 * @throws CliError `USAGE` when it is a language model, or does not say how its inputs are prepared
 */
export async function loadArrayModel(
  kernel: Kernel,
  { model: source, offline }: ModelChoice,
  host: Host,
): Promise<ArrayModelFile> {
  const { loadModel } = await import("@mamba/checkpoint");
  using bar = progress(host, "loading");
  const loaded = await loadModel(kernel, source, {
    ...hubOptions({ offline }, host),
    signal: host.signal,
    onProgress: ({ doneBytes, totalBytes }) => bar.update(doneBytes, totalBytes ?? doneBytes),
  });
  for (const text of loaded.notes) note(host, `note: ${text}`);
  const { kind, model, data, label } = loaded;
  const refuse = (reason: string): never => {
    model.dispose();
    throw usage(`--model: ${label} ${reason}`);
  };
  if (kind === "language") return refuse("is a language model: generate and eval text use it");
  if (data === undefined) return refuse("does not say how its inputs are prepared (data in its config.json)");
  return {
    model,
    label,
    data,
    series: () =>
      kind === "sequence" && data.kind === "series" ? { model, data, label } : refuse("is a model of images"),
    images: () =>
      kind === "vision" && data.kind === "images" ? { model, data, label } : refuse("is a model of a series"),
  };
}
