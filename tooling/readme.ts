import { readdirSync } from "node:fs";
import { root, workspacePackages } from "./workspace.mjs";

/** Paths of the documents of this repository, from the root. */
export function documents(): string[] {
  const folders = ["", "docs/", "examples/", "recipes/", "tooling/cuda-host/"];
  return [...folders, ...workspacePackages().map(({ folder }) => `${folder}/`)].flatMap((folder) =>
    readdirSync(root + folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => folder + name),
  );
}

/** A fenced block of a document. */
export interface Example {
  readonly language: "js" | "ts" | "sh";
  readonly code: string;
  /** Line of its fence, counted from 1. */
  readonly line: number;
  /** False for a block that cannot run: it is only parsed. */
  readonly run: boolean;
  /** The backend that the block needs, beyond the CPU. */
  readonly needs?: "webgpu" | "cuda" | undefined;
}

/**
 * The examples of a markdown text. Blocks of `js` and `ts` are all run unless their fence says `no-run`, and those that need a
 * GPU's backend say `webgpu` or `cuda`; blocks of `sh` are examples only when the fence says `run`.
 */
export function examplesOf(markdown: string): Example[] {
  const examples: Example[] = [];
  let open: { info: string[]; line: number; code: string[] } | undefined;
  markdown.split("\n").forEach((text, index) => {
    const fence = /^\s*```(.*)$/.exec(text);
    if (open === undefined) {
      if (fence) open = { info: (fence[1] ?? "").trim().split(/\s+/), line: index + 1, code: [] };
    } else if (fence) {
      const [language, ...flags] = open.info;
      const { line, code } = { line: open.line, code: open.code.join("\n") };
      const needs = (["webgpu", "cuda"] as const).find((name) => flags.includes(name));
      if (language === "js" || language === "ts")
        examples.push({ language, code, line, run: !flags.includes("no-run"), needs });
      if (language === "sh" && flags.includes("run")) examples.push({ language, code, line, run: true });
      open = undefined;
    } else open.code.push(text);
  });
  return examples;
}
