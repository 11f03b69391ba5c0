import type { ArrayExample } from "../arrayExample.ts";
import type { ExampleSource } from "../dataSource.ts";
import { TrainError } from "../errors.ts";
import { checkedProduct } from "./checkedProduct.ts";
import { dataError } from "./dataError.ts";
import { fingerprint } from "./fingerprint.ts";
import type { NumericArray } from "./numericArray.ts";

/** A source of examples of arrays with an end. */
export interface ArraySource extends ExampleSource<ArrayExample> {
  readonly count: number;
}

export interface ArraySourceOptions {
  /** Describes the data in words. A fingerprint of the numbers is appended. */
  readonly id: string;
  /** One array per example, or an array whose first axis counts the examples. Integers of an array become ids. */
  readonly inputs: readonly ArrayExample["input"][] | NumericArray;
  /**
   * One target per example: a class, a number (NaN: missing) or an array. Of an array whose first axis counts the examples, the
   * elements of one axis are numbers, and other rows are arrays.
   */
  readonly targets: readonly ArrayExample["target"][] | Int32Array | NumericArray;
}

/**
 * A source of examples in memory. Arrays are borrowed, and must not change.
 *
 * @throws TrainError `DATA` when there are no examples, more or fewer targets than inputs, an input that is empty or has a
 * number that is not finite, or a target that is infinite. `classifier` and `regressor` check targets against the model
 */
export function arraySource({ id, inputs, targets }: ArraySourceOptions): ArraySource {
  const eachInput = isNumericArray(inputs) ? rowsOf(inputs) : inputs;
  const eachTarget = isNumericArray(targets) ? targetsOf(targets) : targets;
  const count = eachInput.length;
  if (count === 0) throw dataError(id, "expected examples", "none");
  if (eachTarget.length !== count) {
    throw dataError(id, `expected ${count} targets, one for each input`, String(eachTarget.length));
  }
  eachInput.forEach((input, index) => checkInput(input, `${id}: example ${index}`));
  eachTarget.forEach((target, index) => checkTarget(target, `${id}: example ${index}`));
  const arrays = [...eachInput, ...arraysOf(eachTarget)];
  return {
    id: `${id}, ${count} examples, fingerprint ${fingerprint(arrays)}`,
    count,
    example(index) {
      const [input, target] = [eachInput[index], eachTarget[index]];
      if (input === undefined || target === undefined) {
        throw new TrainError("DATA", `${id}: there is no example ${index}, they are 0 to ${count - 1}`);
      }
      return { input, target };
    },
  };
}

function isNumericArray(value: object): value is NumericArray {
  return "shape" in value && "data" in value;
}

/** The rows of the first axis as arrays of their own: f32 for floats, i32 for integers. */
function rowsOf({ name, shape, data }: NumericArray): ArrayExample["input"][] {
  const [count = 0, ...rest] = shape;
  const length = checkedProduct(rest);
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  if (data instanceof Uint32Array && data.some((value) => value > 0x7fffffff)) {
    throw dataError(name, "expected integers below 2^31", "a larger one");
  }
  const type = isFloat ? Float32Array : Int32Array;
  return Array.from({ length: count }, (_, row) =>
    type.from(data.subarray(row * length, (row + 1) * length)),
  );
}

function targetsOf(array: NumericArray): readonly ArrayExample["target"][] {
  return array.shape.length === 1 ? Array.from(array.data) : rowsOf(array);
}

function checkInput(input: ArrayExample["input"], where: string): void {
  if (input.length === 0) throw dataError(where, "expected numbers", "none");
  if (input instanceof Int32Array) return;
  const at = input.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) throw dataError(`${where}, element ${at}`, "expected a finite number", String(input[at]));
}

function checkTarget(target: ArrayExample["target"], where: string): void {
  const values = typeof target === "number" ? [target] : target;
  const at = values.findIndex((value) => value === Infinity || value === -Infinity);
  if (at !== -1) throw dataError(where, "expected a class, a finite number or NaN", String(values[at]));
}

/** The targets as arrays, for their fingerprint. */
function arraysOf(
  targets: Int32Array | readonly ArrayExample["target"][],
): (Float32Array | Float64Array | Int32Array)[] {
  if (targets instanceof Int32Array) return [targets];
  return targets.map((target) => (typeof target === "number" ? Float64Array.of(target) : target));
}
