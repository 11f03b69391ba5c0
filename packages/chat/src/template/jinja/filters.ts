import { Bound } from "./args.ts";
import type { Budget } from "./budget.ts";
import { lengthOf } from "./codePoints.ts";
import { fail } from "./fail.ts";
import type { Filter } from "./filterCall.ts";
import { jsonOf, textOf } from "./format.ts";
import { listFilters } from "./listFilters.ts";
import { numberFilters } from "./numberFilters.ts";
import { formatText } from "./operators.ts";
import { pairsOf } from "./sequences.ts";
import { charactersOf, isText, mapText, type Text } from "./text.ts";
import { escapeHtml, indent, replace, strip, titleFilter } from "./textChanges.ts";
import { capitalize } from "./textMethods.ts";
import { type Args, Dict, isTrue, Sequence, typeName, Undefined, type Value } from "./values.ts";

const ofText =
  (change: (budget: Budget, text: Text) => Text): Filter =>
  ({ budget, value, bind }) => {
    bind();
    return change(budget, textOf(budget, value));
  };

const orDefault: Filter = ({ value, bind }) => {
  const args = bind("default_value", "boolean");
  const isMissing = value instanceof Undefined || (args.isTrue("boolean", false) && !isTrue(value));
  return isMissing ? args.getOr("default_value", "") : value;
};

const length: Filter = ({ budget, value, bind }) => {
  bind();
  if (isText(value)) return lengthOf(budget, charactersOf(value));
  if (value instanceof Dict) return value.entries.size;
  if (value instanceof Undefined) return 0;
  const items = value instanceof Sequence ? value.items : undefined;
  return items ? items.length : fail(`a ${typeName(value)} has no length`);
};

const toJson: Filter = ({ budget, value, bind }) => {
  const args = bind("ensure_ascii", "indent", "separators", "sort_keys");
  const width = args.get("indent") ?? null;
  const spaces = isText(width) ? charactersOf(width) : undefined;
  const count = width === null || isText(width) ? undefined : (args.int("indent") ?? 0);
  if (count !== undefined) budget.text(Math.max(count, 0));
  const lines = spaces ?? (count === undefined ? undefined : " ".repeat(Math.max(count, 0)));
  const given = args.get("separators") ?? null;
  const [item, key, ...more] =
    given instanceof Sequence ? given.take() : [lines === undefined ? ", " : ",", ": "];
  if (!isText(item) || !isText(key) || more.length > 0) return fail("tojson: separators must be two texts");
  return jsonOf(budget, value, {
    indent: lines,
    separators: [item, key],
    ascii: args.isTrue("ensure_ascii", false),
    sortKeys: args.isTrue("sort_keys", false),
  });
};

const filters = new Map<string, Filter>([
  ...listFilters,
  ...numberFilters,
  ["default", orDefault],
  ["d", orDefault],
  ["length", length],
  ["count", length],
  ["tojson", toJson],
  ["string", ofText((_, text) => text)],
  ["safe", ofText((_, text) => text)],
  ["upper", ofText((budget, text) => mapText(budget, text, (characters) => characters.toUpperCase()))],
  ["lower", ofText((budget, text) => mapText(budget, text, (characters) => characters.toLowerCase()))],
  ["capitalize", ofText(capitalize)],
  ["title", ofText(titleFilter)],
  ["escape", ofText(escapeHtml)],
  ["e", ofText(escapeHtml)],
  [
    "trim",
    ({ budget, value, bind }) => strip(budget, textOf(budget, value), bind("chars").characters("chars")),
  ],
  [
    "replace",
    ({ budget, value, bind }) => {
      const args = bind("old", "new", "count");
      const [old, by] = [textOf(budget, args.need("old")), textOf(budget, args.need("new"))];
      return replace(budget, textOf(budget, value), charactersOf(old), by, args.int("count") ?? -1);
    },
  ],
  [
    "indent",
    ({ budget, value, bind }) => {
      const args = bind("width", "first", "blank");
      const width = args.get("width");
      const count = isText(width) ? 0 : Math.max(args.int("width") ?? 4, 0);
      budget.text(count);
      return indent(budget, textOf(budget, value), isText(width) ? width : " ".repeat(count), {
        first: args.isTrue("first", false),
        blank: args.isTrue("blank", false),
      });
    },
  ],
  [
    "format",
    ({ budget, value, positional, named }) => {
      if (named.size > 0) fail("format: named values are not supported");
      return formatText(budget, textOf(budget, value), positional);
    },
  ],
  [
    "items",
    ({ budget, value, bind }) => {
      bind();
      if (value instanceof Undefined) return new Sequence([], "generator");
      if (!(value instanceof Dict)) return fail(`items needs a dict, got a ${typeName(value)}`);
      return new Sequence(pairsOf(budget, value), "generator");
    },
  ],
]);

/** Applies a filter by its name. */
export function applyFilter(budget: Budget, name: string, value: Value, args: Args): Value {
  const filter = filters.get(name) ?? fail(`the filter ${name} is not supported`);
  budget.step();
  return filter({
    budget,
    value,
    ...args,
    bind: (...parameters) => new Bound(name, args, parameters),
    apply: (other, item, itsArgs) => applyFilter(budget, other, item, itsArgs),
  });
}
