import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { describeError } from "./errors.ts";

const failureOf = async (work: Promise<unknown>) => work.then(() => undefined, describeError);

test("Node's errors of files name the file and say why in words", async () => {
  expect(await failureOf(readFile("no/such/file"))).toBe(
    "no/such/file: there is no such file or folder [ENOENT]",
  );
  expect(await failureOf(writeFile("/", ""))).toBe("/: it is a folder, and a file is needed [EISDIR]");
});

test("an error of the project with such a cause has the same words", async () => {
  const cause: unknown = await readFile("no/such/file").catch((error: unknown) => error);
  const message = `x.csv: ${(cause as Error).message}`;
  expect(describeError(Object.assign(new Error(message, { cause }), { code: "DATA" }))).toBe(
    "x.csv: there is no such file or folder [DATA]",
  );
});

test("an error of the project keeps its own words", () => {
  const error = Object.assign(new Error("config.json: hidden_size is missing"), { code: "CONFIG" });
  expect(describeError(error)).toBe("config.json: hidden_size is missing [CONFIG]");
});
