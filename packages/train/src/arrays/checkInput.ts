import type { ModelInput } from "@mamba/core";
import { TrainError } from "../errors.ts";

type Values = Float32Array | Int32Array;

/**
 * Checks the input of an example before it goes to the device.
 *
 * @param where names the example in messages, as "digits: example 3"
 * @returns the number of positions; 1 for an image
 * @throws TrainError `DATA` when the input has another type or size than the model takes, an id outside of the vocabulary, or a
 * value that is NaN or infinite
 */
export function checkInput(format: ModelInput, input: Values, where: string): number {
  const refuse = (expected: string, got: string): never => {
    throw new TrainError("DATA", `${where}: ${expected}, got ${got}`);
  };
  const type = format.kind === "tokens" ? "an Int32Array of ids" : "a Float32Array of numbers";
  const fits = format.kind === "tokens" ? input instanceof Int32Array : input instanceof Float32Array;
  if (!fits) refuse(`the input must be ${type}`, nameOf(input));
  switch (format.kind) {
    case "tokens": {
      const { vocabSize } = format;
      if (input.length === 0) refuse("the input must have at least one id", "none");
      const at = input.findIndex((id) => id < 0 || id >= vocabSize);
      if (at !== -1)
        refuse(`position ${at}: ids must be from 0 to ${vocabSize - 1}`, `the id ${String(input[at])}`);
      return input.length;
    }
    case "values": {
      const { channels } = format;
      if (input.length === 0 || input.length % channels !== 0) {
        refuse(`the input must be rows of ${channels} numbers, at least one`, `${input.length} numbers`);
      }
      const at = input.findIndex((value) => !Number.isFinite(value));
      const place = `position ${Math.floor(at / channels)}, channel ${at % channels}`;
      if (at !== -1) refuse(`${place}: a finite number was expected`, String(input[at]));
      return input.length / channels;
    }
    case "images": {
      const { height, width, channels } = format;
      const size = height * width * channels;
      if (input.length !== size) {
        const shape = `${height} × ${width} pixels of ${channels} channels`;
        refuse(`the image must have ${size} numbers, ${shape}`, String(input.length));
      }
      const at = input.findIndex((value) => !Number.isFinite(value));
      const pixel = Math.floor(at / channels);
      const place = `row ${Math.floor(pixel / width)}, column ${pixel % width}, channel ${at % channels}`;
      if (at !== -1) refuse(`${place}: a finite number was expected`, String(input[at]));
      return 1;
    }
    default:
      return format satisfies never;
  }
}

/** The type of a value for a message. */
export function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return `${typeof value} ${String(value)}`;
  const name = value.constructor.name;
  return ArrayBuffer.isView(value) || Array.isArray(value) ? `a ${name}` : "an object";
}
