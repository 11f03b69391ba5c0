import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ImagesData } from "@mamba/core";
import type { ImageSource } from "@mamba/train/data";
import { usage } from "../program/errors.ts";
import { explained } from "../program/namedFiles.ts";
import type { ImagesRecipe } from "./arrayRecipe.ts";

/** The size of the images of a folder, where nothing else is said. */
const defaultSide = 32;

type Choice = Pick<ImagesRecipe, "path" | "labels" | "height" | "width" | "channels">;

/**
 * Opens the images of a folder, or of an IDX file with its labels.
 *
 * @param prepared the preparation of a trained model; undefined for a new one
 * @throws CliError `USAGE`, TrainError `DATA`
 */
export async function openImages(
  { path, labels, height, width, channels }: Choice,
  prepared?: ImagesData,
): Promise<ImageSource> {
  const { idxFile, imageFolder } = await import("@mamba/train/node");
  if (await isFolder(path)) {
    if (labels !== undefined)
      throw usage("--labels is for an IDX file; the classes of a folder are its folders");
    const size = { height: height ?? defaultSide, width: width ?? defaultSide, channels: channels ?? 3 };
    return imageFolder(path, prepared ?? size);
  }
  const { idxImages } = await import("@mamba/train/data");
  const images = await idxFile(path);
  const own = images.shape.length === 3 ? 1 : 3;
  if (channels !== undefined && channels !== own)
    throw usage(`${path}: the images have ${own} channels, got --channels ${channels}`);
  if (prepared && prepared.channels !== own) {
    throw usage(`${path}: the model reads images of ${prepared.channels} channels, these have ${own}`);
  }
  return idxImages(images, await idxFile(labels ?? labelsBeside(path)), prepared ?? { height, width });
}

export async function isFolder(path: string): Promise<boolean> {
  const info = await stat(path).catch((error: unknown) => {
    throw explained(error, `--data: ${path}`);
  });
  return info.isDirectory();
}

/** `train-labels-idx1-ubyte.gz` for `train-images-idx3-ubyte.gz`, as the files of MNIST are named. @throws CliError `USAGE` */
function labelsBeside(path: string): string {
  const name = basename(path);
  const labels = name.replace("images", "labels").replace("idx3", "idx1");
  if (labels === name) throw usage(`--labels <file> names the IDX file of the labels of ${name}`);
  return join(dirname(path), labels);
}
