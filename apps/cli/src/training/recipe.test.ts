import { describe, expect, test } from "vitest";
import { parseLengths } from "../data/parseLengths.ts";
import { mergeArrayRecipe } from "../arrays/arrayRecipe.ts";
import { mergeRecipe, parseRecipe, taskOf } from "./recipe.ts";
import { describeStep } from "./report.ts";

describe("recipes", () => {
  test("the file wins over the preset, options win over both", () => {
    const file = parseRecipe(
      JSON.stringify({
        task: "induction",
        data: { length: 64 },
        model: { dModel: 32 },
        training: { lr: 0.01, steps: 7 },
        seed: 3,
      }),
      "recipe.json",
    );
    const recipe = mergeRecipe("induction", file, {
      training: { steps: 9, lr: undefined },
      data: { length: undefined },
    });
    expect(recipe.data).toEqual({ task: "induction", length: 64, vocabSize: 16, seed: 3 });
    expect(recipe.model).toEqual({ dModel: 32, nLayers: 2 });
    expect(recipe.training).toMatchObject({
      lr: 0.01,
      steps: 9,
      batchSize: 16,
      schedule: "constant",
      seed: 3,
    });
    expect(recipe.seed).toBe(3);
    expect(recipe.training.warmupSteps).toBe(1); // a tenth of so few steps
    expect(mergeRecipe("induction", file, { training: { warmupSteps: 4 } }).training.warmupSteps).toBe(4);
    expect(mergeRecipe("induction", file, { training: { steps: 1000 } }).training.warmupSteps).toBe(50);
    expect(mergeRecipe("text", file, { seed: 4 })).toMatchObject({
      data: { task: "text", seed: 4 },
      seed: 4,
    });
  });

  test("layers of a file replace the number of layers of the preset, not its width", () => {
    const layers = [{ mixer: { kind: "attention", heads: 2 } }];
    expect(mergeRecipe("recall", { model: { layers } }, {}).model).toEqual({ dModel: 64, layers });
    const narrow = { model: { dModel: 8, layers } };
    expect(mergeRecipe("recall", narrow, {}).model).toEqual({ dModel: 8, layers });
    expect(mergeRecipe("recall", narrow, { model: { dModel: 16 } }).model).toEqual({ dModel: 16, layers });
  });

  test.each([
    ["{", "recipe.json:"],
    ["[]", "recipe.json must be an object"],
    ['{"trainig":{}}', 'recipe.json has no field "trainig"'],
    ['{"data":{"size":3}}', 'recipe.json: data has no field "size"'],
    ['{"data":{"path":3}}', "data.path must be text"],
    ['{"model":3}', "recipe.json: model must be an object"],
    [
      '{"task":"poetry"}',
      'task must be induction, selective-copying, recall, parity, stories, text, tokens, chat, series, images, got "poetry"',
    ],
    ['{"seed":"1"}', "seed must be a whole number"],
  ])("refuses %s", (text, message) => {
    const parse = () => parseRecipe(text, "recipe.json");
    expect(parse).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(parse).toThrow(message);
  });

  test("a task must be named somewhere", () => {
    expect(() => taskOf({}, {})).toThrow("name a task: induction");
    expect(taskOf({ task: "text" }, {})).toBe("text");
    expect(taskOf({ task: "text" }, { task: "series" })).toBe("series");
  });

  test("a task has its own fields of data", () => {
    const refused = (make: () => unknown, message: string) => expect(make).toThrow(message);
    refused(() => mergeRecipe("text", { data: { columns: ["a"] } }, {}), "text has no field columns");
    const series = { data: { path: "a.csv", columns: ["a"], horizon: 2 } };
    const merged = mergeArrayRecipe("series", series, { data: { context: 9 }, training: { steps: 20 } });
    expect(merged).toMatchObject({
      data: { ...series.data, context: 9, missing: "refuse" },
      training: { warmupSteps: 2 },
    });
    const wrong = (data: object, message: string) =>
      refused(() => mergeArrayRecipe("series", { data: { ...series.data, ...data } }, {}), message);
    wrong({ columns: "a" }, 'data.columns must be a list of text, got "a"');
    wrong({ levels: [0.1, "x"] }, "data.levels must be a list of numbers");
    wrong({ missing: "drop" }, 'data.missing must be "refuse", "previous", "ignore", got "drop"');
    wrong({ length: 3 }, "series has no field length; its fields are path, delimiter, columns");
    refused(() => mergeArrayRecipe("series", { data: { path: "a" } }, {}), "series needs --columns <list>");
    refused(() => mergeArrayRecipe("images", {}, {}), "images needs --data <folder>");
  });
});

describe("lengths", () => {
  test("a list, and doublings from the first to at most the last", () => {
    expect(parseLengths("256", "length")).toEqual([256]);
    expect(parseLengths("64..512", "length")).toEqual([64, 128, 256, 512]);
    expect(parseLengths("10,3..13", "length")).toEqual([10, 3, 6, 12]);
    expect(parseLengths("1048576", "length")).toEqual([2 ** 20]);
  });

  test.each(["", "0", "1.5", "abc", "8..4", "1..2..3", "4,", "1e99", "99999999"])("refuses %j", (text) => {
    expect(() => parseLengths(text, "length")).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

test("a step in one line", () => {
  const event = {
    step: 120,
    loss: 2.10345,
    gradNorm: 0.8123,
    lr: 1e-3,
    tokensPerSecond: 15321.7,
    padding: 0,
  };
  expect(describeStep(event, 4000, 170)).toBe(
    "step 120/4000  loss 2.1035  norm 0.812  lr 1.00e-3  15322 tokens/s  3 min left",
  );
  expect(describeStep(event, 4000, 12.2)).toMatch(/ 13 s left$/);
  expect(describeStep(event, 4000, 7200)).toMatch(/ 2\.0 h left$/);
  expect(describeStep(event, 120, 0)).toMatch(/ done$/);
});
