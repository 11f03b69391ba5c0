/** Numbers as the reference takes them: any array, read as float64. */
export type Values = ArrayLike<number>;

/** 1 / (1 + exp(-x)) */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** The derivative of x * sigmoid(x). */
export function siluSlope(x: number): number {
  const s = sigmoid(x);
  return s * (1 + x * (1 - s));
}

/** log(1 + exp(x)), and x itself above 20, as in the official CUDA code. */
export function softplus(x: number): number {
  return x > 20 ? x : Math.log1p(Math.exp(x));
}

/** The derivative of `softplus`: 1 above 20, where the function is x itself. */
export function softplusSlope(x: number): number {
  return x > 20 ? 1 : sigmoid(x);
}

/** The error function, by its Maclaurin series times exp(-x²), whose terms are all of one sign. */
export function erf(x: number): number {
  if (!(Math.abs(x) < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
