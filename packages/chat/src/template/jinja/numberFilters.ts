import { fail } from "./fail.ts";
import type { Filter } from "./filterCall.ts";
import { numberValue } from "./operators.ts";
import { charactersOf, isText } from "./text.ts";
import { Float, numberOf, typeName } from "./values.ts";

const decimal = /^\s*[+-]?\d+(?:_\d+)*\s*$/;
const real = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
/** Longer texts are no numbers: the expressions above would read all of them. */
const maxDigits = 400;

const int: Filter = ({ value, bind }) => {
  const args = bind("default", "base");
  const otherwise = args.getOr("default", 0);
  if ((args.int("base") ?? 10) !== 10) return fail("int: only the base 10 is supported");
  const text = isText(value) ? charactersOf(value) : undefined;
  const number = text === undefined ? numberOf(value) : parse(text);
  if (number === undefined || !Number.isFinite(number)) return otherwise;
  return numberValue(Math.trunc(number), false);
};

const float: Filter = ({ value, bind }) => {
  const otherwise = bind("default").getOr("default", new Float(0));
  const number = isText(value) ? parse(charactersOf(value)) : numberOf(value);
  return number === undefined ? otherwise : new Float(number);
};

const abs: Filter = ({ value, bind }) => {
  bind();
  const number = numberOf(value) ?? fail(`abs needs a number, got a ${typeName(value)}`);
  return numberValue(Math.abs(number), value instanceof Float);
};

const round: Filter = ({ value, bind }) => {
  const args = bind("precision", "method");
  const number = numberOf(value) ?? fail(`round needs a number, got a ${typeName(value)}`);
  const [precision, method] = [args.int("precision") ?? 0, args.characters("method") ?? "common"];
  if (Math.abs(precision) > 15) return fail("round: the precision must be at most 15");
  const scale = 10 ** precision;
  if (method === "ceil") return new Float(Math.ceil(number * scale) / scale);
  if (method === "floor") return new Float(Math.floor(number * scale) / scale);
  if (method !== "common") return fail("round: the method must be common, ceil or floor");
  return new Float(roundHalfEven(number, precision));
};

/** Python's `round`: to the even neighbour where two are equally near. */
function roundHalfEven(value: number, precision: number): number {
  if (precision > 0) return Number(value.toFixed(precision));
  const scale = 10 ** -precision;
  const scaled = value / scale;
  const floor = Math.floor(scaled);
  const isUp = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 !== 0);
  return (isUp ? floor + 1 : floor) * scale;
}

function parse(text: string): number | undefined {
  if (text.length > maxDigits) return undefined;
  if (decimal.test(text)) return Number(text.replaceAll("_", ""));
  return real.test(text) ? Number(text) : undefined;
}

export const numberFilters: readonly (readonly [string, Filter])[] = [
  ["int", int],
  ["float", float],
  ["abs", abs],
  ["round", round],
];
