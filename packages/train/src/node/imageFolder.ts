import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { ImagesData } from "@mamba/core";
import type { ArrayExample } from "../arrayExample.ts";
import { dataError, reasonOf } from "../data/dataError.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { fingerprint } from "../data/fingerprint.ts";
import { checkedInput, type ImageInput, imageInput } from "../data/imageInput.ts";
import type { ImageSource } from "../data/imageSource.ts";
import type { DecodeOptions, Pixels } from "../data/pixels.ts";
import { TrainError } from "../errors.ts";
import { readWhole } from "./arrayFiles.ts";

export interface ImageFolderOptions extends ImageInput, DecodeOptions {
  /** The classes. Default: the names of the folders, sorted. */
  readonly labels?: readonly string[] | undefined;
  /** Prepared images are kept in memory up to this many bytes; further ones are decoded each time. Default 2^28. */
  readonly cacheBytes?: number | undefined;
}

/** The largest image file. */
const maxFileBytes = 2 ** 28;
const extensions = [".png", ".jpg", ".jpeg"];

/**
 * A source of the PNG and JPEG images in a folder that has one folder per class. Classes and files are in the order of their
 * names; names that begin with a dot are left out. Images are decoded when an example is requested.
 *
 * @throws TrainError `DATA` when the folder cannot be read, has fewer than two classes, or an image is missing or damaged, or
 * a class has a file that is no image; `CONFIG` (options)
 */
export async function imageFolder(path: string, options: ImageFolderOptions): Promise<ImageSource> {
  const { height, width, channels, maxPixels, cacheBytes = 2 ** 28 } = options;
  const { mean, std } = checkedInput(options);
  const folders = await classFolders(path);
  const labels = options.labels ?? folders;
  if (folders.length < (options.labels ? 1 : 2)) {
    throw dataError(
      path,
      `expected a folder per class${options.labels ? "" : ", at least two"}`,
      String(folders.length),
    );
  }
  const files: { readonly path: string; readonly target: number; readonly size: number }[] = [];
  for (const folder of folders) {
    const target = labels.indexOf(folder);
    if (target === -1)
      throw dataError(join(path, folder), `expected a folder of ${labels.join(", ")}`, folder);
    for (const file of await imagesIn(join(path, folder))) {
      files.push({ path: file, target, size: (await stat(file)).size });
    }
  }
  const names = files.map((file) => `${file.path.slice(path.length)} ${file.size}`).join("\n");
  const hash = fingerprint([new TextEncoder().encode(names)]);
  const data: ImagesData = { kind: "images", height, width, channels, mean, std, labels };
  const cache = new Map<number, ArrayExample>();
  const cached = Math.floor(cacheBytes / (height * width * channels * 4));
  return {
    id: `images of ${basename(path)}, ${labels.length} classes, ${files.length} files, fingerprint ${hash}, ${height} x ${width} x ${channels}, mean ${mean.join(" ")}, std ${std.join(" ")}`,
    count: files.length,
    data,
    async example(index) {
      const known = cache.get(index);
      if (known) return known;
      const file = files[index];
      if (!file)
        throw new TrainError(
          "DATA",
          `${path}: there is no image ${index}, they are 0 to ${files.length - 1}`,
        );
      const pixels = await imageFile(file.path, { maxPixels });
      const example = { input: imageInput(pixels, data), target: file.target };
      if (cache.size < cached) cache.set(index, example);
      return example;
    },
  };
}

/**
 * Reads a picture: see `decodeImage`.
 *
 * @throws TrainError `DATA` when the file cannot be read, or is no PNG or JPEG image, or is damaged
 */
export async function imageFile(path: string, options: DecodeOptions = {}): Promise<Pixels> {
  return decodeImage(await readWhole(path, maxFileBytes), path, options);
}

/** The PNG and JPEG files of a folder, sorted. @throws TrainError `DATA` when it has none, or other files */
export async function imagesIn(folder: string): Promise<string[]> {
  const names = (await entriesOf(folder)).map(({ name }) => name);
  const other = names.find((name) => !extensions.includes(extname(name).toLowerCase()));
  if (other !== undefined)
    throw dataError(join(folder, other), `expected an image, ${extensions.join(", ")}`, "another file");
  if (names.length === 0) throw dataError(folder, "expected images", "an empty folder");
  return names.map((name) => join(folder, name));
}

async function classFolders(path: string): Promise<string[]> {
  const entries = await entriesOf(path);
  const file = entries.find((entry) => !entry.isDirectory());
  if (file) throw dataError(join(path, file.name), "expected a folder per class", "a file");
  return entries.map(({ name }) => name);
}

async function entriesOf(path: string) {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TrainError("DATA", `${path}: ${reasonOf(cause)}`, { cause });
  });
  const visible = entries.filter(({ name }) => !name.startsWith("."));
  return visible.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
