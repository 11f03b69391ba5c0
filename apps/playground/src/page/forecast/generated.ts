import { uniformAt } from "@mamba/core";

/** Two waves of 24 and 65 values, with noise. It never ends. */
export function* waves(): Generator<number, never> {
  for (let i = 0; ; i++) {
    const [slow, fast] = [Math.sin((2 * Math.PI * i) / 65 + 1), Math.sin((2 * Math.PI * i) / 24)];
    yield 20 + 5 * fast + 3 * slow + noise(1, i);
  }
}

/** Beats of a heart: a high peak and a low wave after it, at intervals that grow and shrink slowly. It never ends. */
export function* beats(): Generator<number, never> {
  let next = 10;
  let last = -20;
  for (let i = 0, beat = 0; ; i++) {
    if (i === next) {
      last = i;
      next += Math.round(20 + 4 * Math.sin(beat++ / 8));
    }
    const peak = 8 * bell(i - last, 1, 1.2) - 2 * bell(i - last, 4, 1);
    yield 4 + peak + 2 * bell(i - last, 9, 2) + 0.25 * noise(2, i);
  }
}

function bell(at: number, centre: number, width: number): number {
  return Math.exp(-(((at - centre) / width) ** 2));
}

/** A number with mean 0 and standard deviation 1, about normal: the sum of 12 uniform ones. */
function noise(seed: number, i: number): number {
  let sum = -6;
  for (let k = 0; k < 12; k++) sum += uniformAt(seed, i, k);
  return sum;
}
