// How the logits of a router become scores: see routeExperts.ts.

export const SOFTMAX: i32 = 0;
export const TOP_SOFTMAX: i32 = 1;
export const SIGMOID: i32 = 2;

/** Added to the sum by which weights are divided. */
export const SMALLEST_SUM: f64 = 1e-20;
