import type { Token } from "./tokens.ts";

/** The tests that take an argument. */
const withArgument = new Set(
  "divisibleby eq equalto ne lt lessthan le gt greaterthan ge in sameas".split(" "),
);

/** The name of the filter that stands for a test with an argument. */
function testFilterName(test: string, negate: boolean): string {
  return `is ${negate ? "not " : ""}${test}`;
}

/**
 * Writes tests with an argument, such as `x is divisibleby 3`, as filters: `x | is_divisibleby(3)`. The parser knows only tests
 * without; the two bind equally tight.
 */
export function joinTestArguments(tokens: readonly Token[]): Token[] {
  const joined: Token[] = [];
  /** Ends of arguments without brackets, which still need one. */
  const ends: number[] = [];
  for (const [at, token] of tokens.entries()) {
    while (ends.at(-1) === at) {
      ends.pop();
      joined.push({ ...token, type: "CloseParen", value: ")" });
    }
    const last = joined.at(-1);
    const negate = isWord(last, "not") && isWord(joined.at(-2), "is");
    const follows = negate || isWord(last, "is");
    if (!follows || token.type !== "Identifier" || !withArgument.has(token.value)) {
      joined.push(token);
      continue;
    }
    joined.splice(negate ? -2 : -1);
    joined.push({ ...token, type: "Pipe", value: "|" });
    joined.push({ ...token, value: testFilterName(token.value, negate) });
    if (tokens[at + 1]?.type === "OpenParen") continue;
    joined.push({ ...token, type: "OpenParen", value: "(" });
    ends.push(endOfOperand(tokens, at + 1));
  }
  return joined;
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.type === "Identifier" && token.value === word;
}

/** The position after a literal or a name, with the members, indices and calls that follow it. */
function endOfOperand(tokens: readonly Token[], start: number): number {
  let at = endOfGroup(tokens, start);
  for (;;) {
    const type = tokens[at]?.type;
    if (type === "Dot") at += 2;
    else if (type === "OpenSquareBracket" || type === "OpenParen") at = endOfGroup(tokens, at);
    else if (type === "StringLiteral" && tokens[at - 1]?.type === "StringLiteral") at++;
    else return at;
  }
}

/** The position after a token, or after the bracket that closes it. */
function endOfGroup(tokens: readonly Token[], start: number): number {
  let depth = 0;
  for (let at = start; at < tokens.length; at++) {
    const type = tokens[at]?.type ?? "";
    if (/^Open(Paren|SquareBracket|CurlyBracket)$/.test(type)) depth++;
    else if (/^Close(Paren|SquareBracket|CurlyBracket)$/.test(type)) depth--;
    if (depth <= 0) return at + 1;
  }
  return tokens.length;
}
