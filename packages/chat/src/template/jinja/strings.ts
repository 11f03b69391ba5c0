const escapes: ReadonlyMap<string, string> = new Map([
  ["\n", ""],
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);

/** Reads a string literal as Python does. Returns undefined where it has no closing quote. */
export function readString(source: string, start: number): { value: string; end: number } | undefined {
  const quote = source.charAt(start);
  const chunks: string[] = [];
  let from = start + 1;
  for (let at = from; at < source.length;) {
    const character = source.charAt(at);
    if (character === quote) {
      chunks.push(source.slice(from, at));
      return { value: chunks.join(""), end: at + 1 };
    }
    if (character !== "\\") {
      at++;
      continue;
    }
    const { text, length } = readEscape(source, at);
    chunks.push(source.slice(from, at), text);
    at = from = at + length;
  }
  return undefined;
}

const coded = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3}))/y;

/** An escape sequence. One that Python does not know stays as it is written. */
function readEscape(source: string, at: number): { text: string; length: number } {
  const known = escapes.get(source.charAt(at + 1));
  if (known !== undefined) return { text: known, length: 2 };
  coded.lastIndex = at;
  const [all, x, u, long, octal] = coded.exec(source) ?? [];
  if (all === undefined) return { text: source.slice(at, at + 2), length: 2 };
  const code = octal === undefined ? parseInt(x ?? u ?? long ?? "", 16) : parseInt(octal, 8);
  return { text: code <= 0x10ffff ? String.fromCodePoint(code) : all, length: all.length };
}
