import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Pixels } from "@mamba/train/data";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { isFolder } from "./imagesData.ts";
import type { VisionModel } from "./loadArrayModel.ts";
import type { Predictions, PredictRequest } from "./predictArrays.ts";
import { readStdin } from "./readStdin.ts";
import { rounded } from "./rounded.ts";

/** Names the classes of images. @throws CliError `USAGE`, TrainError `DATA` */
export async function predictImages(
  { model, data }: VisionModel,
  request: PredictRequest,
  host: Host,
): Promise<Predictions> {
  const { classifier, predict } = await import("@mamba/train");
  const { imageInput } = await import("@mamba/train/data");
  const results: {
    file: string;
    label: string;
    probability: number;
    probabilities: Record<string, number>;
  }[] = [];
  const trainable = classifier(model);
  let batch: { name: string; input: Float32Array }[] = [];
  const flush = async () => {
    const found = await predict(
      trainable,
      batch.map(({ input }) => input),
      { signal: host.signal },
    );
    found.forEach((probabilities, i) => {
      const best = probabilities.indexOf(Math.max(...probabilities));
      const all = Object.fromEntries(data.labels.map((name, c) => [name, rounded(probabilities[c] ?? NaN)]));
      const probability = rounded(probabilities[best] ?? NaN);
      results.push({
        file: batch[i]?.name ?? "",
        label: data.labels[best] ?? "",
        probability,
        probabilities: all,
      });
    });
    batch = [];
  };
  for await (const { name, pixels } of picturesOf(request.data, host)) {
    batch.push({ name, input: imageInput(pixels, data) });
    if (batch.length === request.batchSize) await flush();
  }
  if (batch.length > 0) await flush();
  return {
    head: ["file", "label", "probability"],
    rows: results.map(({ file, label, probability }) => [file, label, probability]),
    json: results,
  };
}

interface Picture {
  readonly name: string;
  readonly pixels: Pixels;
}

/** The pictures of stdin, a file, a folder, a folder of folders, or an IDX file. */
async function* picturesOf(path: string, host: Host): AsyncGenerator<Picture, void, undefined> {
  const { decodeImage } = await import("@mamba/train/data");
  if (path === "-") {
    yield { name: "stdin", pixels: await decodeImage(await readStdin(host), "stdin") };
    return;
  }
  const { idxFile, imagesIn, imageFile } = await import("@mamba/train/node");
  if (await isFolder(path)) {
    const entries = await readdir(path, { withFileTypes: true });
    const folders = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => join(path, name));
    for (const folder of folders.length > 0 ? folders.sort() : [path]) {
      for (const file of await imagesIn(folder)) yield { name: file, pixels: await imageFile(file) };
    }
    return;
  }
  if (/\.(png|jpe?g)$/i.test(path)) {
    yield { name: path, pixels: await imageFile(path) };
    return;
  }
  const { name, shape, data } = await idxFile(path);
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  if (!(data instanceof Uint8Array) || shape.length < 3)
    throw usage(`${name}: expected images of bytes, [N, H, W] or [N, H, W, 3]`);
  const size = height * width * channels;
  for (let i = 0; i < count; i++) {
    yield {
      name: `${name}#${i}`,
      pixels: { height, width, channels, data: data.subarray(i * size, (i + 1) * size) },
    };
  }
}
