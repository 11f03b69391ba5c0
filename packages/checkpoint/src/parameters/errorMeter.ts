import type { HostArray, WeightDType } from "@mamba/kernel";
import { asFloat32, type Quantizers } from "./convert.ts";

/** How far written values are from those that they were made of. */
export interface WriteError {
  /** Sum of the squared differences, divided by the sum of the squared values. */
  readonly nmse: number;
  readonly largest: number;
}

/** Measures the error of values that are written in chunks. */
export class ErrorMeter {
  #squares = 0;
  #squaredErrors = 0;
  #largest = 0;

  /** @param written the values as `dtype` */
  add(
    values: Float32Array,
    written: HostArray,
    dtype: WeightDType,
    quantizers: Quantizers | undefined,
  ): void {
    const found = asFloat32(written, dtype, quantizers);
    let [squares, squaredErrors, largest] = [0, 0, this.#largest];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? NaN;
      const error = (found[i] ?? NaN) - value;
      squares += value * value;
      squaredErrors += error * error;
      if (error > largest) largest = error;
      else if (-error > largest) largest = -error;
    }
    this.#squares += squares;
    this.#squaredErrors += squaredErrors;
    this.#largest = largest;
  }

  result(): WriteError {
    const isExact = this.#squaredErrors === 0;
    return { nmse: isExact ? 0 : this.#squaredErrors / this.#squares, largest: this.#largest };
  }
}
