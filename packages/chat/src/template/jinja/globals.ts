import { ChatError } from "../../errors.ts";
import { Bound } from "./args.ts";
import type { Budget } from "./budget.ts";
import { fail, short } from "./fail.ts";
import { textOf } from "./format.ts";
import { listOf } from "./sequences.ts";
import { strftime } from "./strftime.ts";
import { charactersOf, isText } from "./text.ts";
import { type Args, Callable, Dict, dictOf, Namespace, Sequence, type Value } from "./values.ts";

/** Most elements of `range`, as Jinja's sandbox has it. */
const maxRange = 100_000;
/** Most characters of a format of `strftime_now`. */
const maxFormat = 1024;

/** The functions that every template has. */
export function globalsOf(budget: Budget, now: Date): ReadonlyMap<string, Value> {
  const functions: readonly (readonly [string, (args: Args) => Value])[] = [
    ["range", (args) => range(budget, args)],
    ["namespace", (args) => namespace(budget, args)],
    ["dict", (args) => dictOf(entriesOf(budget, "dict", args))],
    ["raise_exception", (args) => raise(budget, args)],
    ["strftime_now", (args) => time(now, args)],
  ];
  return new Map(functions.map(([name, call]) => [name, new Callable(name, call)]));
}

function range(budget: Budget, args: Args): Value {
  const bound = new Bound("range", args, ["start", "stop", "step"]);
  const first = bound.int("start") ?? fail("range needs a whole number");
  const [start, stop] = bound.get("stop") === undefined ? [0, first] : [first, bound.int("stop") ?? 0];
  const step = bound.int("step") ?? 1;
  if (step === 0) return fail("the step of range is 0");
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > maxRange) return fail(`range has more than ${maxRange} elements`);
  budget.elements(count);
  return new Sequence(
    Array.from({ length: count }, (_, i) => start + i * step),
    "range",
    `range(${start}, ${stop}${step === 1 ? "" : `, ${step}`})`,
  );
}

function namespace(budget: Budget, args: Args): Value {
  const made = new Namespace();
  for (const [key, value] of entriesOf(budget, "namespace", args)) {
    if (!isText(key)) return fail("the names of a namespace are texts");
    made.fields.set(charactersOf(key), value);
  }
  return made;
}

function entriesOf(budget: Budget, name: string, { positional, named }: Args): (readonly [Value, Value])[] {
  const [source = new Dict(new Map()), ...more] = positional;
  if (more.length > 0) return fail(`${name} takes at most 1 argument`);
  const entries = source instanceof Dict ? [...source.entries.values()] : listOf(budget, source).map(pairOf);
  for (const [key, value] of named) entries.push([key, value]);
  budget.elements(2 * entries.length);
  return entries;

  function pairOf(value: Value): readonly [Value, Value] {
    const [key, item, ...rest] = listOf(budget, value);
    return key === undefined || item === undefined || rest.length > 0
      ? fail(`${name} needs an object, or pairs of a key and a value`)
      : [key, item];
  }
}

function raise(budget: Budget, args: Args): never {
  const message = new Bound("raise_exception", args, ["message"]).need("message");
  const text = charactersOf(textOf(budget, message));
  throw new ChatError("TEMPLATE", `chat template: it refuses the conversation: ${short(text)}`);
}

function time(now: Date, args: Args): Value {
  const format = charactersOf(new Bound("strftime_now", args, ["format"]).needText("format"));
  if (format.length > maxFormat) return fail(`strftime_now: a format of more than ${maxFormat} characters`);
  return strftime(now, format);
}
