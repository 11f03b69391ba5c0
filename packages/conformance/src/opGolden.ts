/** A tensor with all digits of float64, row-major. */
export interface GoldenNumbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/**
 * One record of `@mamba/conformance/goldens/ops.json`: the value and the gradients of an op of `Ops` of `@mamba/core`, from PyTorch
 * in float64 (`tooling/reference/op_goldens.py`).
 */
export interface OpGolden {
  readonly op: string;
  /** The arguments that are no tensors of floats. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The tensors by name, exact in float32. */
  readonly inputs: Readonly<Record<string, GoldenNumbers>>;
  /** The gradient of the result; absent for a loss, where it is 1. */
  readonly dy?: GoldenNumbers;
  /** `y`, and `d_<name>` for each input that has a gradient. */
  readonly outputs: Readonly<Record<string, GoldenNumbers>>;
}
