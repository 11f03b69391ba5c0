import fc from "fast-check";
import { expect, test } from "vitest";
import { MambaError } from "../errors.ts";
import { byteTokenizer } from "./byteTokenizer.ts";
import { redecoding } from "./redecoding.ts";
import { TextStream, type TextStreamOptions } from "./textStream.ts";
import type { Tokenizer } from "./tokenizer.ts";

const bytes: Tokenizer = byteTokenizer(256);
const whatwg = (ids: readonly number[]) =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids));

/** Letters by their code, and two special tokens. */
const special = new Map([
  ["<|im_end|>", 1000],
  ["<s>", 1001],
]);
const names = new Map([...special].map(([text, id]) => [id, text]));
const decode: Tokenizer["decode"] = (ids, { specialTokens = false } = {}) =>
  ids
    .map((id) => names.get(id) ?? String.fromCharCode(id))
    .join("")
    .replace(specialTokens ? "" : /<\|im_end\|>|<s>/g, "");
const letters: Tokenizer = {
  encode: (text) => Array.from(text, (c) => c.charCodeAt(0)),
  decode,
  decoder: redecoding(decode),
  stopIds: [],
  specialTokens: special,
};

function run(
  ids: readonly number[],
  options: TextStreamOptions = {},
  tokenizer = bytes,
  prompt: readonly number[] = [],
) {
  const stream = new TextStream(tokenizer, options);
  stream.read(prompt);
  const parts: string[] = [];
  for (const id of ids) {
    const { text, stopped } = stream.push(id);
    parts.push(text);
    if (stopped) return { parts, text: parts.join(""), stopped };
  }
  parts.push(stream.rest());
  return { parts, text: parts.join(""), stopped: false };
}

test("a character of several tokens appears once it is whole", () => {
  const { parts } = run(bytes.encode("aé漢🙂b"));
  expect(parts.filter((part) => part !== "")).toEqual(["a", "é", "漢", "🙂", "b"]);
});

test.each([
  ["a stray byte", [], [0x80, ...bytes.encode("😀".repeat(10))], `\uFFFD${"😀".repeat(10)}`],
  [
    "a character that the prompt begins",
    [65, 0xf0, 0x9f],
    [0x98, 0x80, ...bytes.encode("😀".repeat(5))],
    "😀".repeat(6),
  ],
  [
    "a character that the prompt breaks",
    [65, 0xf0, 0x9f],
    [0x41, 0x80, ...bytes.encode("😀".repeat(5))],
    `\uFFFDA\uFFFD${"😀".repeat(5)}`,
  ],
  ["a broken character at the end", [], [0xe6], "\uFFFD"],
  ["a byte order mark", [], [0xef, 0xbb, 0xbf, 65], "\uFEFFA"],
  [
    "surrogates, long forms and points above U+10FFFF",
    [],
    [0xed, 0xa0, 0x80, 0xe0, 0x80, 0xf4, 0x90, 0xc0, 65],
    "\uFFFD".repeat(8) + "A",
  ],
])("%s", (_, prompt, ids, text) => {
  expect(run(ids, {}, bytes, prompt).text).toBe(text);
});

/** Bytes that are likely to begin, continue and break characters. */
const anyByte = fc.oneof(
  fc.nat(255),
  fc.constantFrom(0x80, 0xbf, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xbb, 0xf0, 0x90, 0xf4, 0x8f, 65),
);
const someBytes = fc.oneof(
  fc.array(anyByte, { maxLength: 24 }),
  fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => bytes.encode(text)),
);

test("text is WHATWG's for any bytes, prompt and cut, and what was returned does not change", () => {
  fc.assert(
    fc.property(someBytes, someBytes, fc.nat(), (prompt, ids, at) => {
      const all = [...prompt, ...ids];
      expect(bytes.decode(all)).toBe(whatwg(all));
      let stream = new TextStream(bytes);
      stream.read(prompt);
      const before = whatwg(prompt).slice(0, whatwg(prompt).length - stream.rest().length);
      let text = before;
      ids.forEach((id, i) => {
        text += stream.push(id).text;
        expect(text + stream.rest()).toBe(whatwg(all.slice(0, prompt.length + i + 1)));
        if (i !== at % (ids.length + 1)) return;
        stream = new TextStream(bytes, { snapshot: JSON.parse(JSON.stringify(stream.snapshot())) as null });
      });
      expect(text + stream.rest()).toBe(whatwg(all));
    }),
    { numRuns: 3000, seed: 1 },
  );
});

test("bytes that cannot become a character are returned at once", () => {
  const { parts } = run([0xf0, 0x9f, 0x41, 0x80, 0xff]);
  expect(parts).toEqual(["", "", "\uFFFDA", "\uFFFD", "\uFFFD", ""]);
});

test("a stop string is cut off, also when it spans tokens, and its beginnings are held back only as long as needed", () => {
  expect(run(bytes.encode("one END two"), { stop: ["END"] })).toMatchObject({ text: "one ", stopped: true });
  const { parts, stopped } = run(bytes.encode("ENEMY"), { stop: ["END"] });
  expect(stopped).toBe(false);
  expect(parts).toEqual(["", "", "EN", "EM", "Y", ""]);
  expect(run(bytes.encode("the E"), { stop: ["END"] }).text).toBe("the E");
  expect(run(bytes.encode("a,b;c"), { stop: [";", ","] }).text).toBe("a");
});

const turn = [...letters.encode("hi"), 1000, ...letters.encode("\nyou")];
test.each([
  [["<|im_end|>"], "hi", true],
  [["hi<|im_end|>"], "", true],
  [["i<|im_end|>\ny"], "h", true],
  [["<|im_end|>\n<s>"], "hi\nyou", false],
  [["<|im_end|>x", "\n"], "hi", true],
  [["i\n"], "h", true], // in the text that is returned, where the special token is left out
  [["<s>"], "hi\nyou", false],
])("stop strings with special tokens: %j", (stop, text, stopped) => {
  expect(run(turn, { stop }, letters)).toMatchObject({ text, stopped });
});

test("special tokens are part of the text when asked for", () => {
  expect(run(turn, {}, letters).text).toBe("hi\nyou");
  expect(run(turn, { specialTokens: true }, letters).text).toBe("hi<|im_end|>\nyou");
  expect(run(turn, { specialTokens: true, stop: ["i<|im_end|>"] }, letters)).toMatchObject({
    text: "h",
    stopped: true,
  });
});

test("a stream goes on from its snapshot after any token, held-back text included", () => {
  const ids = [...letters.encode("xi"), 1000, ...letters.encode("\nhi"), 1000, ...letters.encode("\nyou")];
  const stop = ["hi<|im_end|>\ny"];
  for (let cut = 0; cut < ids.length; cut++) {
    const first = run(ids.slice(0, cut), { stop }, letters);
    if (first.stopped) break;
    const stream = new TextStream(letters, { stop });
    const text = ids.slice(0, cut).map((id) => stream.push(id).text);
    expect(text.join("") + stream.rest()).toBe(first.text);
    const snapshot = JSON.parse(JSON.stringify(stream.snapshot())) as null;
    const second = run(ids.slice(cut), { stop, snapshot }, letters);
    expect({ text: text.join("") + second.text, stopped: second.stopped }).toEqual({
      text: "xi\n",
      stopped: true,
    });
  }
});

test.each([
  [5],
  [{ decoder: [1, 2, 3, 4] }],
  [{ decoder: [], held: { text: "a", mask: "" } }],
  [{ decoder: [], held: { text: 1, mask: "v" } }],
])("a damaged snapshot is refused: %j", (snapshot) => {
  expect(() => new TextStream(bytes, { snapshot })).toThrow(MambaError);
});
