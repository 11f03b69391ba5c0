/**
 * One example of a model that is trained on arrays: numbers, ids or an image, with its target.
 *
 * A classifier reads a class, or one class per position (`ignoreIndex` where none counts). A regressor reads numbers; NaN
 * is a missing one, which does not count.
 */
export interface ArrayExample {
  /** Row-major: numbers [L, C], ids [L] or an image [H, W, C]. */
  readonly input: Float32Array | Int32Array;
  readonly target: number | Float32Array | Int32Array;
}
