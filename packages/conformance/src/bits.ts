/**
 * Index of the first element in which two arrays differ, or `undefined`. Zeros of different sign differ; NaNs are equal,
 * because engines do not preserve their payload. Arrays of different type or length differ at 0.
 */
export function firstDifference<T extends ArrayLike<number>>(
  a: T | undefined,
  b: T | undefined,
): number | undefined {
  if (a === undefined || b === undefined) return a === b ? undefined : 0;
  if (a.constructor !== b.constructor || a.length !== b.length) return 0;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return i;
  return undefined;
}
