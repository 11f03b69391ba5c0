import { describe, expect, test } from "vitest";
import { readArgs, readNumber, type Flags } from "./args.ts";

const flags = {
  text: { type: "positional", required: true, description: "" },
  rest: { type: "positional", required: false, description: "" },
  model: { type: "string", alias: "m", required: true, description: "" },
  size: { type: "string", default: "8", description: "" },
  kind: { type: "enum", options: ["a", "b"], default: "a", description: "" },
  stop: { type: "string", multiple: true, description: "" },
  json: { type: "boolean", description: "" },
} as const satisfies Flags;

test("reads flags, defaults, repeats and positionals", () => {
  expect(readArgs(["x", "-m", "folder", "--stop", "1", "--stop=--2"], flags)).toEqual({
    text: "x",
    rest: undefined,
    model: "folder",
    size: "8",
    kind: "a",
    stop: ["1", "--2"],
    json: false,
  });
});

test("a lone dash and what follows two dashes are positional", () => {
  expect(readArgs(["--model=m", "-", "--", "--json"], flags)).toMatchObject({
    text: "-",
    rest: "--json",
    json: false,
  });
});

describe("refuses", () => {
  test.each([
    ["an unknown flag", ["x", "--model=m", "--modle=n"], "Unknown option '--modle'"],
    ["an unknown letter", ["x", "--model=m", "-q"], "Unknown option '-q'"],
    ["a forgotten value", ["x", "--model"], "'-m, --model <value>' argument missing"],
    ["a flag in place of a value", ["x", "--model", "--json"], "argument is ambiguous"],
    ["a value for a switch", ["x", "--model=m", "--json=no"], "does not take an argument"],
    ["a repeat", ["x", "--model=m", "--model=n"], "--model is given more than once"],
    ["a value out of an enum", ["x", "--model=m", "--kind=c"], '--kind must be a, b, got "c"'],
    ["a missing flag", ["x"], "--model is missing"],
    ["a missing argument", ["--model=m"], "the argument <text> is missing"],
    ["one argument too many", ["x", "y", "z", "--model=m"], 'unexpected argument "z"'],
  ])("%s", (_, args, message) => {
    expect(() => readArgs(args, flags)).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(() => readArgs(args, flags)).toThrow(message);
  });
});

test("numbers are held to their rules", () => {
  expect(readNumber("n", undefined)).toBeUndefined();
  expect(readNumber("n", "1e-3", { above: 0, max: 1 })).toBe(0.001);
  expect(() => readNumber("n", "0", { above: 0, max: 1 })).toThrow(
    '--n must be a number, above 0 and at most 1, got "0"',
  );
  expect(() => readNumber("n", "1.5", { whole: true, min: 1 })).toThrow(
    "--n must be a whole number, at least 1",
  );
  for (const text of ["", " ", "abc", "1x", "NaN", "Infinity"]) {
    expect(() => readNumber("n", text)).toThrow(`--n must be a number, got ${JSON.stringify(text)}`);
  }
});
