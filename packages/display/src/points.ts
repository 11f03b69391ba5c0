/** A loss after an optimizer step. */
export interface Point {
  readonly step: number;
  readonly loss: number;
}

/** At most `count` points: the means of equally many neighbours, each at the last of their steps. */
export function condense(points: readonly Point[], count: number): Point[] {
  const size = Math.ceil(points.length / count);
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size);
    const loss = group.reduce((sum, point) => sum + point.loss, 0) / group.length;
    return { step: group.at(-1)?.step ?? 0, loss };
  });
}

/** Weight of the newest value in the running mean. */
const newest = 0.1;

/** The exponential running mean at each value; it starts at the first one. */
export function runningMean(values: readonly number[]): number[] {
  let mean = values[0] ?? 0;
  return values.map((value) => (mean += newest * (value - mean)));
}

/** The loss at `step`, interpolated linearly between its neighbours; outside of the points, that of the nearest one. */
export function lossAt(points: readonly Point[], step: number): number {
  const next = points.find((point) => point.step >= step);
  const before = points.filter((point) => point.step <= step).at(-1);
  if (!next || !before) return (next ?? before)?.loss ?? NaN;
  const fraction = next.step === before.step ? 0 : (step - before.step) / (next.step - before.step);
  return before.loss + fraction * (next.loss - before.loss);
}
