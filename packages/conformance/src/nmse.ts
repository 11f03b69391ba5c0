/**
 * Normalised mean squared error, `sum((actual - expected)²) / sum(expected²)`, over the positions where `expected` is
 * finite. 0 when both are all zero; infinite when only `expected` is, or when `actual` is not finite where it should be.
 */
export function nmse(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let energy = 0;
  for (let i = 0; i < expected.length; i++) {
    const e = expected[i]!;
    if (!Number.isFinite(e)) continue;
    error += (actual[i]! - e) ** 2;
    energy += e ** 2;
  }
  if (error === 0) return 0;
  const ratio = error / energy;
  return Number.isNaN(ratio) ? Infinity : ratio;
}

/**
 * Why `actual` does not agree with the float64 values `expected`, or `undefined` when it does:
 * - where `expected`, rounded to float32, is NaN or infinite, `actual` is the same;
 * - the NMSE over the rest is at most `tolerance`;
 * - no single element is off by more than `10 * sqrt(tolerance) * (|expected| + rms)`, which the mean could hide.
 */
export function disagreement(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): string | undefined {
  let energy = 0;
  let finite = 0;
  for (let i = 0; i < expected.length; i++) {
    const e = Math.fround(expected[i]!);
    const a = actual[i]!;
    if (Number.isFinite(e)) {
      if (!Number.isFinite(a)) return `element ${i} must be ${e}, got ${a}`;
      energy += e ** 2;
      finite++;
    } else if (!Object.is(a, e)) return `element ${i} must be ${e}, got ${a}`;
  }
  const rms = Math.sqrt(energy / Math.max(finite, 1));
  for (let i = 0; i < expected.length; i++) {
    const e = expected[i]!;
    const bound = 10 * Math.sqrt(tolerance) * (Math.abs(e) + rms);
    if (Number.isFinite(Math.fround(e)) && Math.abs(actual[i]! - e) > bound) {
      return `element ${i} of ${expected.length} must be ${e} to within ${bound.toExponential(1)}, got ${actual[i]}`;
    }
  }
  const found = nmse(
    actual,
    Float64Array.from(expected, (e) => (Number.isFinite(Math.fround(e)) ? e : NaN)),
  );
  if (found > tolerance) return `NMSE ${found.toExponential(2)} is above ${tolerance.toExponential(0)}`;
  return undefined;
}
