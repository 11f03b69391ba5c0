/** A fenced block of a README that is to be run. */
export interface Example {
  readonly language: "ts" | "sh";
  readonly code: string;
  /** Line of its fence, counted from 1. */
  readonly line: number;
}

/**
 * The examples of a markdown text. Blocks of `js` and `ts` are all run unless their fence says `no-run`; blocks of `sh`
 * only when it says `run`.
 */
export function examplesOf(markdown: string): Example[] {
  const examples: Example[] = [];
  let open: { info: string[]; line: number; code: string[] } | undefined;
  markdown.split("\n").forEach((text, index) => {
    const fence = /^```(.*)$/.exec(text);
    if (open === undefined) {
      if (fence) open = { info: (fence[1] ?? "").trim().split(/\s+/), line: index + 1, code: [] };
    } else if (fence) {
      const [language = "", ...flags] = open.info;
      const { line, code } = { line: open.line, code: open.code.join("\n") };
      if (/^(js|ts)$/.test(language) && !flags.includes("no-run"))
        examples.push({ language: "ts", code, line });
      if (language === "sh" && flags.includes("run")) examples.push({ language: "sh", code, line });
      open = undefined;
    } else open.code.push(text);
  });
  return examples;
}
