// A message of several lines is typed in one of three ways: a line that ends with a backslash goes on, `"""` at the beginning opens a
// block that ends with `"""`, and the lines of a paste belong together.

/** A line as it was typed. */
export interface TypedLine {
  readonly text: string;
  /** True when its end was pasted, not typed. */
  readonly isPasted: boolean;
}

const quotes = '"""';

/** The message that the lines make; undefined while it goes on. */
export function joinLines(lines: readonly TypedLine[]): string | undefined {
  const last = lines.at(-1);
  if (last === undefined || last.isPasted) return undefined;
  const isPaste = lines.some(({ isPasted }) => isPasted);
  const whole = lines.map(({ text }) => text).join("\n");
  if (isPaste) return whole.replace(/\n+$/, "");
  if (whole.startsWith(quotes)) {
    const inside = whole.slice(quotes.length).trimEnd();
    return inside.endsWith(quotes) ? inside.slice(0, -quotes.length).replace(/^\n|\n$/g, "") : undefined;
  }
  if (last.text.endsWith("\\")) return undefined;
  return lines.map(({ text }) => text.replace(/\\$/, "")).join("\n");
}

/** Stands for a newline where an editor or a list has one line. */
const newlineSymbol = "\u21b5";

/** A message on one line. */
export function onOneLine(message: string): string {
  return message.replaceAll("\n", newlineSymbol);
}

/** The message of one line of an editor. */
export function fromOneLine(line: string): string {
  return line.replaceAll(newlineSymbol, "\n");
}
