import { expect, it } from "vitest";
import { examplesOf } from "./readme.ts";

const fence = "```";

it("takes js and ts blocks, runs them unless told not to, and takes sh blocks only when told to", () => {
  const markdown = [
    "# Title",
    `${fence}ts`,
    "one();",
    "two();",
    fence,
    `${fence}ts no-run`,
    "never();",
    fence,
    `${fence}sh`,
    "rm -rf build",
    fence,
    `${fence}js webgpu`,
    "three();",
    fence,
    `${fence}sh run`,
    "mamba --help",
    fence,
    fence,
    "plain text",
    fence,
    `${fence}json`,
    "{}",
    fence,
  ].join("\n");
  expect(examplesOf(markdown)).toEqual([
    { language: "ts", code: "one();\ntwo();", line: 2, run: true },
    { language: "ts", code: "never();", line: 6, run: false },
    { language: "js", code: "three();", line: 12, run: true, needs: "webgpu" },
    { language: "sh", code: "mamba --help", line: 15, run: true },
  ]);
});
