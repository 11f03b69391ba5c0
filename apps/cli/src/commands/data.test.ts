import { story } from "@mamba/tasks";
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
  [["poems"], 2, "<corpus> must be stories"],
  [["stories", "--count=0"], 2, "--count must be a whole number, at least 1"],
  [["stories", "--seed=3000000000"], 1, "stories: seed must be a whole number from -2147483648"],
])("refuses %j", async (args, code, message) => {
  const result = await run(["data", ...args]);
  expect(result).toMatchObject({ code, stdout: "" });
  expect(result.stderr).toContain(message);
});
