import { conversation, instructionChat, story } from "@mamba/tasks";
import { expect, test } from "vitest";
import { run } from "../../test/run.ts";

test("prints stories, one a line", async () => {
  expect(await run(["data", "stories", "--count=3", "--first=5", "--seed=7"])).toEqual({
    code: 0,
    stdout: [5, 6, 7].map((index) => `${story(7, index)}\n`).join(""),
    stderr: "",
  });
});

test.each([
  ["conversations", conversation],
  ["instructions", instructionChat],
] as const)("prints %s, a JSON line each", async (corpus, example) => {
  expect(await run(["data", corpus, "--count=3", "--first=5", "--seed=7"])).toEqual({
    code: 0,
    stdout: [5, 6, 7].map((index) => `${JSON.stringify(example(7, index))}\n`).join(""),
    stderr: "",
  });
});

test("prints more lines than one write takes", async () => {
  const { stdout } = await run(["data", "instructions", "--count=300"]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(300);
  expect(lines[256]).toBe(JSON.stringify(instructionChat(0, 256)));
});

test.each([
  [["poems"], 2, "<corpus> must be stories, conversations, instructions"],
  [["stories", "--count=0"], 2, "--count must be a whole number, at least 1"],
  [["stories", "--seed=3000000000"], 1, "stories: seed must be a whole number from -2147483648"],
])("refuses %j", async (args, code, message) => {
  const result = await run(["data", ...args]);
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toContain(message);
});
