import { describe, expect, test } from "vitest";
import { createCommand, makeStrict } from "./command.ts";
import { CommanderError } from "./commander.ts";
import { choiceOption, countOption, numberOption, readNumber, repeatableOption } from "./options.ts";

/** Parses arguments of a made-up command. */
function parse(args: readonly string[]) {
  let values: unknown;
  const command = createCommand("try", "Try", [])
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .argument("<text>")
    .argument("[rest]")
    .requiredOption("-m, --model <folder>", "")
    .addOption(numberOption("--size <number>", "").default(8))
    .addOption(countOption("--top-k <count>", ""))
    .addOption(choiceOption("--kind <kind>", "", ["a", "b"]).default("a"))
    .addOption(repeatableOption("--stop <text>", ""))
    .option("--json", "")
    .action((text, rest, options) => {
      values = { text, rest, ...options };
    });
  command.parse(makeStrict(command, args), { from: "user" });
  return values;
}

test("reads options, defaults, repeats and positional arguments", () => {
  expect(parse(["x", "-m", "folder", "--stop", "1", "--stop=--2", "--size", "-3"])).toEqual({
    ...{ text: "x", rest: undefined, model: "folder", size: -3, kind: "a", stop: ["1", "--2"] },
  });
  expect(parse(["--json", "--top-k=4", "-mfolder", "x", "y"])).toMatchObject({
    rest: "y",
    topK: 4,
    json: true,
  });
});

test("a lone dash and what follows two dashes are positional", () => {
  expect(parse(["--model=m", "-", "--", "--json"])).toEqual({
    ...{ text: "-", rest: "--json", model: "m", size: 8, kind: "a", stop: [] },
  });
});

describe("refuses", () => {
  test.each([
    ["an unknown option", ["x", "--modle=a-folder"], "unknown option '--modle'\n(Did you mean --model?)"],
    ["an unknown letter", ["x", "--model=m", "-q"], "unknown option '-q'"],
    ["a forgotten value", ["x", "--model"], "option '-m, --model <folder>' argument missing"],
    ["one argument too many", ["x", "y", "z", "--model=m"], "Expected 2 arguments but got 3"],
    ["a missing argument", ["--model=m"], "missing required argument 'text'"],
  ])("%s", (_, args, message) => {
    expect(() => parse(args)).toThrow(message);
    expect(() => parse(args)).toThrow(CommanderError);
  });

  test.each([
    [
      "an option in place of a value",
      ["x", "--model", "--json"],
      "--model needs a value, got the option --json",
    ],
    ["a value for a switch", ["x", "--model=m", "--json=no"], '--json does not take a value, got "no"'],
    ["a repeat", ["x", "--model=m", "-m", "n"], "--model is given more than once"],
    ["a value out of a choice", ["x", "--model=m", "--kind=c"], '--kind must be a, b, got "c"'],
    ["a value out of range", ["x", "--model=m", "--top-k=0"], "--top-k must be a whole number, at least 1"],
    ["a missing option", ["x"], "--model is missing"],
  ])("%s", (_, args, message) => {
    expect(() => parse(args)).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(() => parse(args)).toThrow(message);
  });
});

test("numbers are held to their rules", () => {
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
