import { Bound } from "./args.ts";
import type { Budget } from "./budget.ts";
import { indexOfUnit, lengthOf } from "./codePoints.ts";
import { fail } from "./fail.ts";
import { join, replace, strip, titleCase } from "./textChanges.ts";
import { find, findAll, findLast } from "./search.ts";
import { split, splitBack, splitLines } from "./splitText.ts";
import { charactersOf, concat, cut, isText, mapText, type Text } from "./text.ts";
import { type Args, Sequence, type Value } from "./values.ts";
import { isSpace } from "./whitespace.ts";

interface Call {
  readonly budget: Budget;
  readonly text: Text;
  readonly characters: string;
  readonly bind: (...parameters: string[]) => Bound;
}

type Method = (call: Call) => Value;

const changeCase =
  (change: (characters: string) => string): Method =>
  ({ budget, text, bind }) => {
    bind();
    return mapText(budget, text, change);
  };

const stripped =
  (left: boolean, right: boolean): Method =>
  ({ budget, text, bind }) =>
    strip(budget, text, bind("chars").characters("chars"), left, right);

const ofAll =
  (pattern: RegExp): Method =>
  ({ budget, characters, bind }) => {
    bind();
    budget.read(characters.length);
    return pattern.test(characters);
  };

const searched =
  (search: typeof findLast, needs: boolean): Method =>
  ({ budget, characters, bind }) => {
    const found = search(budget, characters, charactersOf(bind("sub").needText("sub")));
    if (found < 0 && needs) fail("index: the text is not found");
    return indexOfUnit(budget, characters, found);
  };

const edge =
  (isAtEdge: (text: string, searched: string) => boolean): Method =>
  ({ budget, characters, bind }) => {
    const prefix = bind("prefix").need("prefix");
    const texts = prefix instanceof Sequence && prefix.kind === "tuple" ? prefix.take() : [prefix];
    return texts.some((text) => {
      if (!isText(text)) return fail("startswith and endswith take a text, or a tuple of texts");
      budget.read(Math.min(charactersOf(text).length, characters.length));
      return isAtEdge(characters, charactersOf(text));
    });
  };

const parts = (found: readonly Text[], kind: "list" | "tuple" = "list") => new Sequence(found, kind);

const partition =
  (search: typeof findLast, isLast: boolean): Method =>
  ({ budget, text, characters, bind }) => {
    const separator = charactersOf(bind("sep").needText("sep"));
    if (separator === "") fail("partition: the separator is empty");
    const at = search(budget, characters, separator);
    if (at < 0) return parts(isLast ? ["", "", text] : [text, "", ""], "tuple");
    const end = at + separator.length;
    return parts([cut(budget, text, 0, at), cut(budget, text, at, end), cut(budget, text, end)], "tuple");
  };

/** The methods of a `str`. */
const methods = new Map<string, Method>([
  ["upper", changeCase((characters) => characters.toUpperCase())],
  ["lower", changeCase((characters) => characters.toLowerCase())],
  ["casefold", changeCase((characters) => characters.toLowerCase())],
  ["title", changeCase(titleCase)],
  [
    "swapcase",
    changeCase((characters) =>
      characters.replace(/\p{L}/gu, (letter) =>
        letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
      ),
    ),
  ],
  ["capitalize", ({ budget, text, bind }) => (bind(), capitalize(budget, text))],
  ["strip", stripped(true, true)],
  ["lstrip", stripped(true, false)],
  ["rstrip", stripped(false, true)],
  ["startswith", edge((text, searched) => text.startsWith(searched))],
  ["endswith", edge((text, searched) => text.endsWith(searched))],
  ["find", searched(find, false)],
  ["index", searched(find, true)],
  ["rfind", searched(findLast, false)],
  ["rindex", searched(findLast, true)],
  ["partition", partition(find, false)],
  ["rpartition", partition(findLast, true)],
  [
    "count",
    ({ budget, characters, bind }) => {
      const text = charactersOf(bind("sub").needText("sub"));
      if (text === "") return lengthOf(budget, characters) + 1;
      let count = 0;
      for (const _ of findAll(budget, characters, text)) count++;
      return count;
    },
  ],
  [
    "split",
    ({ budget, text, bind }) => {
      const args = bind("sep", "maxsplit");
      return parts(split(budget, text, args.characters("sep"), args.int("maxsplit") ?? -1));
    },
  ],
  [
    "rsplit",
    ({ budget, text, bind }) => {
      const args = bind("sep", "maxsplit");
      return parts(splitBack(budget, text, args.characters("sep"), args.int("maxsplit") ?? -1));
    },
  ],
  [
    "splitlines",
    ({ budget, text, bind }) => parts(splitLines(budget, text, bind("keepends").isTrue("keepends", false))),
  ],
  [
    "replace",
    ({ budget, text, bind }) => {
      const args = bind("old", "new", "count");
      return replace(
        budget,
        text,
        charactersOf(args.needText("old")),
        args.needText("new"),
        args.int("count") ?? -1,
      );
    },
  ],
  [
    "join",
    ({ budget, text, bind }) => {
      const list = bind("iterable").need("iterable");
      if (!(list instanceof Sequence)) return fail("join takes a list of texts");
      const texts = list.take().map((item) => (isText(item) ? item : fail("join takes a list of texts")));
      return join(budget, texts, text);
    },
  ],
  [
    "removeprefix",
    ({ budget, text, characters, bind }) => {
      const prefix = charactersOf(bind("prefix").needText("prefix"));
      return characters.startsWith(prefix) ? cut(budget, text, prefix.length) : text;
    },
  ],
  [
    "removesuffix",
    ({ budget, text, characters, bind }) => {
      const suffix = charactersOf(bind("suffix").needText("suffix"));
      return characters.endsWith(suffix) ? cut(budget, text, 0, characters.length - suffix.length) : text;
    },
  ],
  [
    "zfill",
    ({ budget, text, characters, bind }) => {
      const lack = (bind("width").int("width") ?? 0) - lengthOf(budget, characters);
      if (lack <= 0) return text;
      budget.text(lack);
      const sign = /^[+-]/.test(characters) ? 1 : 0;
      return concat(budget, cut(budget, text, 0, sign), "0".repeat(lack), cut(budget, text, sign));
    },
  ],
  ["isdigit", ofAll(/^[\p{Nd}]+$/u)],
  ["isdecimal", ofAll(/^[\p{Nd}]+$/u)],
  ["isnumeric", ofAll(/^[\p{N}]+$/u)],
  ["isalpha", ofAll(/^[\p{L}]+$/u)],
  ["isalnum", ofAll(/^[\p{L}\p{N}]+$/u)],
  [
    "isspace",
    ({ budget, characters, bind }) => {
      bind();
      budget.read(characters.length);
      for (let at = 0; at < characters.length; at++) if (!isSpace(characters.charCodeAt(at))) return false;
      return characters !== "";
    },
  ],
  ["islower", ({ budget, characters, bind }) => (bind(), isLower(budget, characters))],
  ["isupper", ({ budget, characters, bind }) => (bind(), isUpper(budget, characters))],
]);

/** Methods of Python that are not supported: their use is an error, and not an undefined name. */
const unsupported = new Set(
  "center encode expandtabs format format_map isascii isidentifier isprintable istitle ljust maketrans rjust translate".split(
    " ",
  ),
);

/** A method of a text, or undefined where Python has none of this name. */
export function textMethod(budget: Budget, text: Text, name: string): ((args: Args) => Value) | undefined {
  if (unsupported.has(name)) return () => fail(`the method ${name} of texts is not supported`);
  const method = methods.get(name);
  if (!method) return undefined;
  return (args) =>
    method({
      budget,
      text,
      characters: charactersOf(text),
      bind: (...parameters) => new Bound(name, args, parameters),
    });
}

export function capitalize(budget: Budget, text: Text): Text {
  let isFirst = true;
  return mapText(budget, text, (characters) => {
    const lower = characters.toLowerCase();
    if (!isFirst || characters === "") return lower;
    isFirst = false;
    const [first = ""] = characters;
    return first.toUpperCase() + characters.slice(first.length).toLowerCase();
  });
}

export function isLower(budget: Budget, text: string): boolean {
  budget.read(text.length);
  return /\p{Ll}/u.test(text) && !/[\p{Lu}\p{Lt}]/u.test(text);
}

export function isUpper(budget: Budget, text: string): boolean {
  budget.read(text.length);
  return /\p{Lu}/u.test(text) && !/[\p{Ll}\p{Lt}]/u.test(text);
}
