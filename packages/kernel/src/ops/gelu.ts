import { checkBinary } from "../checks/elementwise.ts";
import { fail } from "../checks/fail.ts";
import { checkF32 } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** The form of GELU: "none" is exact, with erf; "tanh" is the approximation with tanh. The names are PyTorch's. */
export type GeluApproximation = "none" | "tanh";

export interface GeluOp {
  /**
   * Gaussian error linear unit (Hendrycks & Gimpel 2016):
   * ```
   * "none":  x * (1 + erf(x / sqrt(2))) / 2
   * "tanh":  x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x³))) / 2
   * ```
   * The error of "none" is below 1e-6 * max(|x|, 1). `gelu(Infinity)` is Infinity. At -Infinity the formula is -Infinity * 0:
   * the result is 0 or NaN.
   */
  gelu(x: Tensor, approximate: GeluApproximation): Tensor;
}

export interface GeluBackwardOp {
  /**
   * `dy * gelu'(x)`:
   * ```
   * "none":  gelu'(x) = (1 + erf(x / sqrt(2))) / 2 + x * exp(-x² / 2) / sqrt(2 * pi)
   * "tanh":  gelu'(x) = (1 + t) / 2 + x / 2 * (1 - t²) * sqrt(2 / pi) * (1 + 3 * 0.044715 * x²)
   *          t = tanh(sqrt(2 / pi) * (x + 0.044715 * x³))
   * ```
   */
  geluBackward(dy: Tensor, x: Tensor, approximate: GeluApproximation): Tensor;
}

export const gelu = {
  parameters: ["x", "approximate"],
  check(x, approximate) {
    checkF32("gelu", "x", x);
    checkApproximation("gelu", approximate);
  },
} satisfies OpDefinition<GeluOp["gelu"]>;

export const geluBackward = {
  parameters: ["dy", "x", "approximate"],
  check(dy, x, approximate) {
    checkBinary("geluBackward", "dy", dy, "x", x);
    checkApproximation("geluBackward", approximate);
  },
} satisfies OpDefinition<GeluBackwardOp["geluBackward"]>;

function checkApproximation(op: string, approximate: string): void {
  if (approximate === "none" || approximate === "tanh") return;
  fail("ARGUMENT", op, `approximate must be "none" or "tanh", got ${JSON.stringify(approximate)}`);
}
