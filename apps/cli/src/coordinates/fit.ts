import type { Coordinates, Parametrization } from "./measure.ts";

/** How the output of one layer depends on the width after each step from 0 on: `size ~ width ^ slope`. */
export interface Fit {
  readonly parametrization: Parametrization;
  readonly module: string;
  /** [steps + 1][widths], means over the seeds. */
  readonly size: readonly (readonly number[])[];
  readonly change: readonly (readonly number[])[];
  /** Least squares on logarithms; null where a value is 0, as the logits are before muP's first step. */
  readonly sizeSlopes: readonly Slope[];
  readonly changeSlopes: readonly Slope[];
}
export type Slope = number | null;

/** Averages over the seeds, and fits a power of the width to every layer and step. */
export function fitSlopes(all: readonly Coordinates[]): Fit[] {
  const modules = new Map<string, Coordinates[]>();
  for (const found of all) {
    const key = `${found.parametrization} ${found.module}`;
    modules.set(key, [...(modules.get(key) ?? []), found]);
  }
  return [...modules.values()].map((group): Fit => {
    const [{ parametrization, module, size: steps }] = group as [Coordinates];
    const widths = [...new Set(group.map(({ width }) => width))];
    const means = (what: "size" | "change") =>
      steps.map((_, step) =>
        widths.map((width) =>
          mean(group.filter((one) => one.width === width).map((one) => one[what][step] ?? NaN)),
        ),
      );
    const [size, change] = [means("size"), means("change")];
    return {
      ...{ parametrization, module, size, change },
      sizeSlopes: size.map((values) => slope(widths, values)),
      changeSlopes: change.map((values) => slope(widths, values)),
    };
  });
}

/** Slopes within this distance of 0 count as flat: a few small models are noisy, and their widths are finite. */
export const flatLimit = 0.25;

/** The slope that is furthest from 0 in one parametrization, with its layer and step. */
export function steepest(fits: readonly Fit[], parametrization: Parametrization) {
  const all = fits
    .filter((fit) => fit.parametrization === parametrization)
    .flatMap(({ module, sizeSlopes, changeSlopes }) =>
      [sizeSlopes, changeSlopes].flatMap((slopes) =>
        slopes.map((slope, step) => ({ module, step, slope: slope ?? 0 })),
      ),
    );
  return all.reduce((most, one) => (Math.abs(one.slope) > Math.abs(most.slope) ? one : most));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The slope of log y against log x, by least squares. */
function slope(xs: readonly number[], ys: readonly number[]): Slope {
  if (ys.some((y) => y === 0)) return null;
  const [u, v] = [xs.map(Math.log), ys.map(Math.log)];
  const [meanU, meanV] = [mean(u), mean(v)];
  const covariance = mean(u.map((value, i) => (value - meanU) * ((v[i] ?? NaN) - meanV)));
  return covariance / mean(u.map((value) => (value - meanU) ** 2));
}
