import { type DType, formatShape } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import { isDense, type Tensor } from "../tensor.ts";
import { checkAlive } from "./tensors.ts";

// Shape patterns: "B L D" names the axes of a tensor. The first argument with a letter gives the letter its value, and
// later ones must have the same. "W-1" is the value of W minus one; a number is an extent.

type Letters<P extends string> = P extends `${infer Head} ${infer Rest}`
  ? Letters<Head> | Letters<Rest>
  : Letter<P>;
type Letter<T extends string> = T extends `${number}` | `${string}-1` ? never : T;

/** Requirements of one tensor argument. */
export interface ArgumentRule<P extends string = string> {
  readonly tensor: Tensor | undefined;
  readonly axes: P;
  /** Allowed storage types. Default: f32 only. */
  readonly dtypes?: readonly DType[];
  /** True when a column view is refused. Default false. */
  readonly dense?: boolean;
}

/**
 * Checks the tensors of one call against their patterns and returns the value of each letter. Arguments that are
 * `undefined` are skipped.
 *
 * @param known letters whose values come from other arguments
 * @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE`, naming the op, the argument, what was expected and what came.
 */
export function bindAxes<P extends string>(
  op: string,
  rules: Readonly<Record<string, ArgumentRule<P>>>,
  known?: Readonly<Record<string, number>>,
): Record<Letters<P>, number> {
  // Every op of every decoded token is checked here, so the path without an error builds no list and no text, and uses the names of
  // letters only once for each: objects with names that are not in the code are slow.
  call++;
  const bound: Record<string, number> = {};
  for (const letter in known) bind(letterOf(letter), known[letter] as number, bound);
  for (const name in rules) {
    const rule = rules[name] as ArgumentRule<P>;
    const { tensor, dtypes = onlyF32 } = rule;
    if (tensor === undefined) continue;
    checkAlive(op, name, tensor);
    if (!dtypes.includes(tensor.dtype)) {
      throw new KernelError("DTYPE", `${op}: ${name} must be ${dtypes.join(" or ")}, got ${tensor.dtype}`);
    }
    const { shape } = tensor;
    const axes = parseAxes(rule.axes);
    if (axes.length !== shape.length) throw mismatch(op, name, rule.axes, tensor, "");
    for (let i = 0; i < axes.length; i++) {
      const { letter, offset } = axes[i] as Axis;
      const extent = shape[i] as number;
      if (letter === undefined) {
        if (extent !== offset) throw mismatch(op, name, rule.axes, tensor, "");
      } else if (letter.call !== call) bind(letter, extent - offset, bound);
      else if (extent !== letter.value + offset) {
        throw mismatch(op, name, rule.axes, tensor, source(rules, letter));
      }
    }
    if (rule.dense === true && !isDense(tensor)) {
      const found = `${formatShape(shape)} with row stride ${tensor.rowStride}`;
      throw new KernelError("SHAPE", `${op}: ${name} must be dense, got a column view ${found}`);
    }
  }
  return bound;
}

function bind(letter: BoundLetter, value: number, bound: Record<string, number>): void {
  letter.call = call;
  letter.value = value;
  bound[letter.name] = value;
}

/** The number of the latest call of `bindAxes`. */
let call = 0;

/** A letter and the value that it had in the call of `bindAxes` with the number `call`. */
interface BoundLetter {
  readonly name: string;
  call: number;
  value: number;
}

const letters = new Map<string, BoundLetter>();

function letterOf(name: string): BoundLetter {
  let letter = letters.get(name);
  if (letter === undefined) letters.set(name, (letter = { name, call: 0, value: 0 }));
  return letter;
}

const onlyF32: readonly DType[] = ["f32"];

/** An extent: the value of `letter`, or 0 without one, plus `offset`. */
interface Axis {
  readonly letter: BoundLetter | undefined;
  readonly offset: number;
}

const parsedAxes = new Map<string, readonly Axis[]>();

function parseAxes(text: string): readonly Axis[] {
  const known = parsedAxes.get(text);
  if (known !== undefined) return known;
  const axes = text.split(" ").map((token) => {
    if (/^\d+$/.test(token)) return { letter: undefined, offset: Number(token) };
    const [name = "", minus = "0"] = token.split("-");
    return { letter: letterOf(name), offset: -Number(minus) };
  });
  // Patterns with letters are literals in the code, so the cache stays small. A number alone comes from a tensor's size.
  if (axes.some(({ letter }) => letter !== undefined)) parsedAxes.set(text, axes);
  return axes;
}

/** Names the argument that gave a letter its value: ` with D = 8 from x [2, 5, 8]`. */
function source(rules: Readonly<Record<string, ArgumentRule>>, letter: BoundLetter): string {
  const found = `${letter.name} = ${letter.value}`;
  for (const [name, { tensor, axes }] of Object.entries(rules)) {
    if (tensor === undefined || !parseAxes(axes).some((axis) => axis.letter === letter)) continue;
    return ` with ${found} from ${name} ${formatShape(tensor.shape)}`;
  }
  return ` with ${found}`;
}

function mismatch(op: string, name: string, axes: string, tensor: Tensor, why: string): KernelError {
  const expected = `[${axes.split(" ").join(", ")}]${why}`;
  return new KernelError("SHAPE", `${op}: ${name} must be ${expected}, got ${formatShape(tensor.shape)}`);
}
