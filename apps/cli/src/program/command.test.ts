import { describe, expect, test } from "vitest";
import { createCommand, makeStrict } from "./command.ts";
import { CommanderError } from "./commander.ts";
import { bytesOption, namesOption, numbersOption } from "./lists.ts";
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

test("lists and sizes", () => {
  const read = (option: { parseArg?: unknown }, text: string): unknown =>
    (option.parseArg as (value: string) => unknown)(text);
  expect(read(namesOption("--columns <list>", ""), "temp max, wind")).toEqual(["temp max", "wind"]);
  expect(read(numbersOption("--levels <list>", ""), "0.1,.5")).toEqual([0.1, 0.5]);
  const bytes = bytesOption("--memory-limit <bytes>", "");
  expect(["1000", "1.5kB", "2 GiB", "3m"].map((text) => read(bytes, text))).toEqual([
    ...[1000, 1500, 2 ** 31, 3e6],
  ]);
  expect(() => read(namesOption("--columns <list>", ""), "a,,b")).toThrow("--columns must be names");
  expect(() => read(numbersOption("--levels <list>", ""), "1,x")).toThrow("--levels must be numbers");
  for (const text of ["", "0", "-1", "1TB", "big"]) {
    expect(() => read(bytes, text)).toThrow(
      `--memory-limit must be bytes, such as 2GB or 512MiB, got "${text}"`,
    );
  }
});
