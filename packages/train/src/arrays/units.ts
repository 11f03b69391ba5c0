import { TrainError } from "../errors.ts";

/** The way from the numbers of a model back to the units of the data: `y * scale + offset`, for each target of a result. */
export interface Units {
  /** @param t the target's number in a result */
  restore(y: number, t: number): number;
  /** The scale of a difference, without its sign. */
  scaleOf(t: number): number;
}

/**
 * @param width targets per result
 * @throws TrainError `CONFIG` unless both are a finite number, or `width` of them, and no scale is 0
 */
export function unitsOf(
  scale: number | readonly number[],
  offset: number | readonly number[],
  width: number,
): Units {
  const scales = listOf("scale", scale, width);
  const offsets = listOf("offset", offset, width);
  if (scales.includes(0)) throw new TrainError("CONFIG", "regressor: scale must not be 0");
  return {
    restore: (y, t) => y * (scales[t] ?? NaN) + (offsets[t] ?? NaN),
    scaleOf: (t) => Math.abs(scales[t] ?? NaN),
  };
}

function listOf(name: string, value: number | readonly number[], width: number): readonly number[] {
  const list = typeof value === "number" ? Array.from({ length: width }, () => value) : value;
  if (list.length === width && list.every(Number.isFinite)) return list;
  const rule = `${name} must be a finite number, or ${width} of them`;
  throw new TrainError("CONFIG", `regressor: ${rule}, got ${JSON.stringify(value)}`);
}
