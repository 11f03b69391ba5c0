import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ESLint } from "eslint";
import { describe, expect, it } from "vitest";

const eslint = new ESLint({
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => ruleId.startsWith("no-restricted-"),
});

/** Whether the rule reports `import "module"`; `import("module")` must be treated alike. */
async function reports(file: string, module: string): Promise<boolean> {
  const found = await Promise.all(
    [`import "${module}";\n`, `await import("${module}");\n`].map(async (code) => {
      const [result] = await eslint.lintText(code, { filePath: file });
      const messages = result?.messages ?? [];
      expect(messages.filter((message) => message.fatal)).toEqual([]);
      return messages.length > 0;
    }),
  );
  expect(found[0]).toBe(found[1]);
  return found[0] === true;
}

describe("package arrows", () => {
  it.each(readdirSync(new URL("../packages", import.meta.url)))("packages/%s has rules", async (name) => {
    expect(await reports(`packages/${name}/src/x.ts`, "@mamba/cli")).toBe(true);
    expect(await reports(`packages/${name}/test/x.test.ts`, "@mamba/cli")).toBe(true);
  });

  it.each([
    ["packages/kernel/src/x.ts", "@mamba/core"],
    ["packages/kernel/src/x.ts", "node:fs"],
    ["packages/kernel/src/x.ts", "fs"],
    ["packages/kernel/src/x.test.ts", "@mamba/kernel-cpu"],
    ["packages/core/src/x.ts", "@mamba/kernel-cpu"],
    ["packages/core/src/x.ts", "@mamba/conformance"],
    ["packages/core/src/x.ts", "@mamba/checkpoint"],
    ["packages/core/src/x.ts", "../../kernel-cpu/src/index.ts"],
    ["packages/core/src/deep/x.ts", "node:path"],
    ["packages/conformance/src/x.ts", "@mamba/core"],
    ["packages/conformance/src/x.ts", "node:worker_threads"],
    ["packages/checkpoint/src/x.ts", "@mamba/kernel-cpu"],
    ["packages/train/src/x.ts", "@mamba/checkpoint"],
    ["packages/train/src/x.ts", "node:fs"],
    ["packages/train/src/x.ts", "@mamba/files"],
    ["packages/train/src/node/x.ts", "@mamba/checkpoint"],
    ["packages/kernel-cpu/src/x.ts", "@mamba/core"],
    ["packages/kernel-cpu/src/x.ts", "@mamba/conformance"],
    ["packages/kernel-cpu/test/x.test.ts", "@mamba/core"],
    ["packages/kernel-webgpu/src/x.ts", "@mamba/core"],
    ["packages/kernel-webgpu/src/x.ts", "node:module"],
    ["packages/kernel-cuda/src/x.ts", "@mamba/core"],
  ])("%s must not import %s", async (file, module) => {
    expect(await reports(file, module)).toBe(true);
  });

  it.each([
    ["packages/core/src/x.ts", "@mamba/kernel"],
    ["packages/core/src/x.ts", "pure-rand"],
    ["packages/core/src/x.ts", "./kernel/x.ts"],
    ["packages/core/src/x.test.ts", "@mamba/kernel-cpu"],
    ["packages/core/test/x.test.ts", "@mamba/conformance"],
    ["packages/core/src/x.test.ts", "node:fs"],
    ["packages/checkpoint/src/x.ts", "@mamba/core"],
    ["packages/checkpoint/src/x.ts", "node:fs/promises"],
    ["packages/train/src/node/x.ts", "node:fs/promises"],
    ["packages/train/src/node/x.ts", "@mamba/files"],
    ["packages/train/test/x.test.ts", "@mamba/checkpoint"],
    ["packages/kernel-cpu/src/x.ts", "@mamba/kernel"],
    ["packages/kernel-cpu/src/x.ts", "node:worker_threads"],
    ["packages/kernel-cuda/src/x.ts", "node:child_process"],
    ["packages/kernel-cpu/test/x.test.ts", "@mamba/conformance"],
    ["apps/cli/src/x.ts", "@mamba/kernel-cpu"],
  ])("%s may import %s", async (file, module) => {
    expect(await reports(file, module)).toBe(false);
  });
});
