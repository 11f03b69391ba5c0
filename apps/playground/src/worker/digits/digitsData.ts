import { type NumericArray, parseIdx } from "@mamba/train/data";

/** Images [N, 28, 28] of bytes with their labels [N]. */
export interface DigitImages {
  readonly images: NumericArray;
  readonly labels: NumericArray;
}

/** The digits that the page trains on, and those that are held out. */
export interface Digits {
  readonly train: DigitImages;
  readonly heldOut: DigitImages;
}

let digits: Promise<Digits> | undefined;

/** Fetches the digits, once. */
export async function loadDigits(): Promise<Digits> {
  digits ??= fetchDigits();
  digits.catch(() => (digits = undefined)); // the next use tries again
  return digits;
}

async function fetchDigits(): Promise<Digits> {
  const [trainImages, trainLabels, heldOutImages, heldOutLabels] = await Promise.all([
    idx(new URL("./data/train-images.idx.gz", import.meta.url)),
    idx(new URL("./data/train-labels.idx.gz", import.meta.url)),
    idx(new URL("./data/held-out-images.idx.gz", import.meta.url)),
    idx(new URL("./data/held-out-labels.idx.gz", import.meta.url)),
  ]);
  return {
    train: { images: trainImages, labels: trainLabels },
    heldOut: { images: heldOutImages, labels: heldOutLabels },
  };
}

async function idx(url: URL): Promise<NumericArray> {
  const name = url.pathname.split("/").at(-1) ?? "";
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${name}: the server answers ${response.status}`);
  const blob = await response.blob();
  // Some servers declare a .gz file as an encoding, which the browser has then undone.
  const [first] = new Uint8Array(await blob.slice(0, 1).arrayBuffer());
  const isGzip = first === 0x1f;
  const stream = isGzip ? blob.stream().pipeThrough(new DecompressionStream("gzip")) : blob.stream();
  return parseIdx(new Uint8Array(await new Response(stream).arrayBuffer()), name);
}
