import { expect, test } from "vitest";
import { escapeControls } from "./escapeControls.ts";

test.each([
  ["a\u001b[31mb", "a\\u{1b}[31mb"],
  ["\u009b2J", "\\u{9b}2J"],
  ["exe\u202egnp.txt", "exe\\u{202e}gnp.txt"],
  ["\u0000\r\u007f", "\\u{0}\\u{d}\\u{7f}"],
  ["a\tb\nc é 漢 😀 עברית", "a\tb\nc é 漢 😀 עברית"],
])("%j", (text, escaped) => {
  expect(escapeControls(text)).toBe(escaped);
});
