import { RuleTester } from "eslint";
import { words } from "./words.mjs";
import { describe, it } from "vitest";

RuleTester.describe = describe;
RuleTester.it = it;
RuleTester.itOnly = it.only;

const tester = new RuleTester({ languageOptions: { ecmaVersion: 2022, sourceType: "module" } });

tester.run("opening", words.rules.opening, {
  valid: [
    "/** Returns the sizes. */",
    "/** Asks the device. */",
    "/** Whatever the case. */",
    "// The sizes of\n// What is called here is a name.",
  ],
  invalid: [
    ...["Of", "What", "Those", "Whose", "Which", "As", "Where", "Whether"].map((word) => ({
      code: `/** ${word} it takes. */`,
      errors: [{ messageId: "opening", data: { word } }],
    })),
    { code: "/**\n * What it takes.\n */", errors: 1 },
    { code: "// What it takes.", errors: 1 },
    { code: "let a; // What it takes.", errors: 1 },
  ],
});

tester.run("glossary", words.rules.glossary, {
  valid: [
    "// A chunk of the sequence in shared memory.",
    "// Views share memory, and two tensors may share it.",
    "// The `<span>` in the page, and <span class=x>.",
    "// A value spanning two rows.",
    "let sharedTiles, splitChannels, stripAnsi, shareable;",
    "const text = 'a piece of text';",
  ],
  invalid: [
    { code: "// One piece of the sequence.", errors: [{ messageId: "retired", data: { word: "piece" } }] },
    { code: "/* Strips and slabs. */", errors: 2 },
    { code: "// The share of each thread.", errors: 1 },
    { code: "let spanLength;", errors: 1 },
    { code: "let scanSpans;", errors: 1 },
    { code: "const { piece } = {};", errors: 2 },
  ],
});

tester.run("file-name", words.rules["file-name"], {
  valid: ["selectiveScan.ts", "scan.test.ts", "writing.spec.ts", "vitest.browser.config.ts", "build.mjs"].map(
    (filename) => ({ code: "", filename }),
  ),
  invalid: ["selective-scan.ts", "selective_scan.mjs", "SelectiveScan.ts", "scan.limits.test.ts"].map(
    (filename) => ({ code: "", filename, errors: 1 }),
  ),
});
