import type { DType, Shape } from "./dtype.ts";
import { KernelError } from "./errors.ts";
import { isDense, type Tensor } from "./tensor.ts";

// Shape patterns: "B L D" names the axes of a tensor. The first argument to use a letter gives it its value, later
// ones must agree. "W-1" is the value of W minus one, a number stands for itself.

type Letters<P extends string> = P extends `${infer Head} ${infer Rest}`
  ? Letters<Head> | Letters<Rest>
  : Letter<P>;
type Letter<T extends string> = T extends `${number}` | `${string}-1` ? never : T;

/** What one argument must look like. */
export interface ArgumentRule<P extends string = string> {
  readonly tensor: Tensor | undefined;
  readonly axes: P;
  /** Allowed storage types. Default: f32 only. */
  readonly dtypes?: readonly DType[];
  /** Whether a column view is refused. Default: views are fine. */
  readonly dense?: boolean;
}

/**
 * Checks the tensors of one call against their patterns and returns the value of each letter. Arguments that are
 * `undefined` are skipped.
 *
 * @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE`, naming the op, the argument, what was expected and what came.
 */
export function bindAxes<P extends string>(
  op: string,
  rules: Readonly<Record<string, ArgumentRule<P>>>,
): Record<Letters<P>, number> {
  const bound = new Map<string, { value: number; from: string }>();
  for (const [name, rule] of Object.entries<ArgumentRule<P>>(rules)) {
    const { tensor, axes, dtypes = ["f32"], dense = false } = rule;
    if (tensor === undefined) continue;
    checkAlive(op, name, tensor);
    if (!dtypes.includes(tensor.dtype)) {
      throw new KernelError("DTYPE", `${op}: ${name} must be ${dtypes.join(" or ")}, got ${tensor.dtype}`);
    }
    const tokens = axes.split(" ");
    if (tokens.length !== tensor.shape.length) throw mismatch(op, name, tokens, tensor, "");
    tokens.forEach((token, axis) => {
      const extent = tensor.shape[axis] as number;
      const [letter = "", minus] = token.split("-");
      const known = /^\d+$/.test(letter) ? { value: Number(letter), from: "" } : bound.get(letter);
      if (known === undefined)
        bound.set(letter, {
          value: extent + Number(minus ?? 0),
          from: `${name} ${formatShape(tensor.shape)}`,
        });
      else if (extent !== known.value - Number(minus ?? 0)) {
        const why = known.from ? ` with ${letter} = ${known.value} from ${known.from}` : "";
        throw mismatch(op, name, tokens, tensor, why);
      }
    });
    if (dense && !isDense(tensor)) {
      const found = `${formatShape(tensor.shape)} with row stride ${tensor.rowStride}`;
      throw new KernelError("SHAPE", `${op}: ${name} must be dense, got a column view ${found}`);
    }
  }
  return Object.fromEntries([...bound].map(([letter, { value }]) => [letter, value])) as Record<
    Letters<P>,
    number
  >;
}

/** @throws KernelError `DISPOSED` when the tensor was given up. */
export function checkAlive(op: string, name: string, tensor: Tensor): void {
  if (tensor.disposed) throw new KernelError("DISPOSED", `${op}: ${name} was disposed before this call`);
}

/** `[2, 5, 768]` */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

function mismatch(
  op: string,
  name: string,
  tokens: readonly string[],
  tensor: Tensor,
  why: string,
): KernelError {
  const expected = `[${tokens.join(", ")}]${why}`;
  return new KernelError("SHAPE", `${op}: ${name} must be ${expected}, got ${formatShape(tensor.shape)}`);
}
