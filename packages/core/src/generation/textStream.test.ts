import { expect, test } from "vitest";
import { TextStream } from "./textStream.ts";
import type { Tokenizer } from "./tokenizer.ts";

const bytes: Tokenizer = {
  encode: (text) => [...new TextEncoder().encode(text)],
  decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids)),
  stopIds: [],
};

function run(ids: readonly number[], stops: readonly string[] = []) {
  const stream = new TextStream(bytes, stops, bytes.encode("x"));
  const parts: string[] = [];
  for (const id of ids) {
    const { text, stopped } = stream.push(id);
    parts.push(text);
    if (stopped) return { parts, text: parts.join(""), stopped };
  }
  parts.push(stream.flush());
  return { parts, text: parts.join(""), stopped: false };
}

test("a character of several tokens appears once it is whole", () => {
  const { parts } = run(bytes.encode("aé漢🙂b"));
  expect(parts.filter((part) => part !== "")).toEqual(["a", "é", "漢", "🙂", "b"]);
});

test("bytes that never become a character are shown, not swallowed", () => {
  const { text } = run([0xff, 0xfe, 0x80, 0x80, 0x80, 0x41]);
  expect(text).toMatch(/^\uFFFD+A$/);
  expect(run([0xe6]).text).toBe("\uFFFD");
});

test("a stop string is cut off, also when it spans tokens, and its beginnings are held back only as long as needed", () => {
  expect(run(bytes.encode("one END two"), ["END"])).toMatchObject({ text: "one ", stopped: true });
  const { parts, stopped } = run(bytes.encode("ENEMY"), ["END"]);
  expect(stopped).toBe(false);
  expect(parts).toEqual(["", "", "EN", "EM", "Y", ""]);
});

test("what is held back at the end is flushed", () => {
  expect(run(bytes.encode("the E"), ["END"]).text).toBe("the E");
});

test("the earliest of several stop strings ends the text", () => {
  expect(run(bytes.encode("a,b;c"), [";", ","]).text).toBe("a");
});
