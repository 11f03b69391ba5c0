import { expect, test } from "vitest";
import { KernelError } from "./errors.ts";
import { printable } from "./printable.ts";

test("control characters and marks that reverse text are escaped; all other text is as it was", () => {
  expect(printable("a\u001b[2Jb\u009b1mc\u202ed\u2066e\rf\u0000")).toBe(
    "a\\u001b[2Jb\\u009b1mc\\u202ed\\u2066e\\u000df\\u0000",
  );
  for (const text of ["", "two\nlines\tand a tab", "Grüße, テキスト 😀", "back\\slash"]) {
    expect(printable(text)).toBe(text);
  }
});

test("error messages are escaped", () => {
  expect(new KernelError("ARGUMENT", "evil\u001b]0;title\u0007").message).toBe("evil\\u001b]0;title\\u0007");
});
