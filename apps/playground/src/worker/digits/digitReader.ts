import { CheckpointError, modelFiles } from "@mamba/checkpoint/browser";
import type { ImagesData, VisionMamba } from "@mamba/core";
import { classifier, evaluate, predict } from "@mamba/train";
import { idxImages, imageInput } from "@mamba/train/data";
import type { DigitPrediction, DigitsEvaluation, Query } from "../../protocol.ts";
import type { Learned } from "../training/course.ts";
import { digitPixels, side } from "./digitPixels.ts";
import type { DigitImages } from "./digitsData.ts";

/** A vision model that reads digits, and how its inputs are prepared. */
export class DigitReader implements Learned {
  readonly #model: VisionMamba;
  readonly #data: ImagesData;
  readonly #heldOut: DigitImages;

  /**
   * The model becomes the reader's.
   *
   * @throws CheckpointError unless the model has ten classes and reads grey images of 28 x 28
   */
  constructor(model: VisionMamba, data: ImagesData, heldOut: DigitImages) {
    const { height, width, channels, classes } = model.config;
    if (height !== side || width !== side || channels !== 1 || classes !== 10) {
      const expected = `expected a model of grey images of ${side} x ${side} with 10 classes`;
      const got = `${height} x ${width} with ${channels} channels and ${classes} classes`;
      throw new CheckpointError("UNSUPPORTED_MODEL", `${expected}, got ${got}`);
    }
    this.#model = model;
    this.#data = data;
    this.#heldOut = heldOut;
  }

  async evaluate(signal: AbortSignal): Promise<DigitsEvaluation> {
    const { images, labels } = this.#heldOut;
    const source = idxImages(images, labels, this.#data);
    const { accuracy, examples } = await evaluate(classifier(this.#model), source, {
      batchSize: 50,
      signal,
    });
    return { kind: "digits", accuracy, examples };
  }

  /** Reads a drawing, or one of the held-out digits. */
  async predict(query: Query): Promise<DigitPrediction | undefined> {
    if (query.kind !== "digits") return undefined;
    const { pixels, label } =
      "strokes" in query
        ? { pixels: digitPixels(query.strokes), label: undefined }
        : this.#example(query.example);
    if (!pixels) return undefined;
    const input = imageInput({ width: side, height: side, channels: 1, data: pixels }, this.#data);
    const [probabilities = []] = await predict(classifier(this.#model), [input]);
    return { kind: "digits", pixels, label, probabilities: [...probabilities] };
  }

  async files(): Promise<Map<string, Uint8Array>> {
    return modelFiles(this.#model, { data: this.#data });
  }

  [Symbol.dispose](): void {
    this.#model.dispose();
  }

  #example(number: number): { readonly pixels: Uint8Array; readonly label: number } {
    const { images, labels } = this.#heldOut;
    const at = number % labels.data.length;
    const size = side * side;
    const pixels = Uint8Array.from(images.data.subarray(at * size, (at + 1) * size));
    return { pixels, label: labels.data[at] ?? NaN };
  }
}
