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
