import type { ImagesData } from "@mamba/core";
import { ignoreIndex } from "../dataSource.ts";
import { arraySource, type ArraySource } from "./arraySource.ts";
import { dataError } from "./dataError.ts";
import { checkedInput, imageInput } from "./imageInput.ts";
import type { NumericArray } from "./numericArray.ts";

/** A source of images with their classes. An example has the input [height, width, channels]. */
export interface ImageSource extends ArraySource {
  /** The classes and the preparation of the inputs, to be stored with the model. */
  readonly data: ImagesData;
}

export interface IdxImagesOptions {
  /** Names of the classes. Default: the numbers from 0 to the largest of the labels. */
  readonly labels?: readonly string[] | undefined;
  /** Default: that of the images. */
  readonly height?: number | undefined;
  /** Default: that of the images. */
  readonly width?: number | undefined;
  /** Default [0.5]. */
  readonly mean?: readonly number[] | undefined;
  /** Default [0.5]. */
  readonly std?: readonly number[] | undefined;
}

/**
 * A source of grey images [N, H, W] or colour images [N, H, W, 3] of 8 bits with their labels [N], such as the pair of files of
 * MNIST (`parseIdx`).
 *
 * @throws TrainError `DATA` when the arrays have other shapes or types, or a label is no class; `CONFIG` (options)
 */
export function idxImages(
  images: NumericArray,
  labels: NumericArray,
  options: IdxImagesOptions = {},
): ImageSource {
  const [count = 0, rows = 0, columns = 0, channels = 1] = images.shape;
  const isImages = images.shape.length === 3 || (images.shape.length === 4 && channels === 3);
  const pixels = images.data;
  if (!isImages || !(pixels instanceof Uint8Array)) {
    const got = `[${images.shape.join(", ")}]`;
    throw dataError(images.name, "expected images of bytes, [N, H, W] or [N, H, W, 3]", got);
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw dataError(
      labels.name,
      `expected ${count} labels, [${count}], one for each image`,
      `[${labels.shape.join(", ")}]`,
    );
  }
  const classes = [...labels.data];
  const largest = classes.reduce((max, label) => Math.max(max, label), 0);
  const names =
    options.labels ?? Array.from({ length: Math.min(largest, maxClasses) + 1 }, (_, label) => String(label));
  checkClasses(labels.name, classes, names.length);
  const { height = rows, width = columns } = options;
  const { mean, std } = checkedInput({ height, width, channels, mean: options.mean, std: options.std });
  const data: ImagesData = { kind: "images", height, width, channels, mean, std, labels: names };
  const size = rows * columns * channels;
  const inputs = classes.map((_, i) => {
    const image = pixels.subarray(i * size, (i + 1) * size);
    return imageInput({ width: columns, height: rows, channels, data: image }, data);
  });
  const id = `images ${images.name} with ${labels.name}, ${names.length} classes`;
  return { ...arraySource({ id, inputs, targets: classes }), data };
}

/** Labels beyond this are no classes but a mistake. */
const maxClasses = 65535;

function checkClasses(name: string, classes: readonly number[], count: number): void {
  const at = classes.findIndex(
    (label) => !(Number.isInteger(label) && label >= 0 && label < count) && label !== ignoreIndex,
  );
  if (at === -1) return;
  throw dataError(`${name}, element ${at}`, `expected a class from 0 to ${count - 1}`, String(classes[at]));
}
