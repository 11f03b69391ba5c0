import { basename } from "node:path";

// An ESLint plugin for the project's words: docs/glossary.md lists them. It reads comments, identifiers and file names.

/** Words that begin a dangling clause: "What the op needs." names no subject and no verb. */
const openings = /^(Of|What|Those|Whose|Which|As|Where|Whether)\b/;

/** Nouns that the glossary replaces by "chunk", "tile", "block" or "view". */
const retired = ["span", "segment", "strip", "slab", "piece", "share"];
const plural = (/** @type {string} */ word) => `${word}s?`;
const inProse = new RegExp(`\\b(?:${retired.map(plural).join("|")})\\b`, "gi");
const nameParts = retired.map((word) => `[${word[0]}${word[0]?.toUpperCase()}]${word.slice(1)}s?`);
// `share` before another word is the verb: `shareKernels`.
const inName = new RegExp(`(?:^|(?<=[a-z_]))(?!share[A-Z])(?:${nameParts.join("|")})(?![a-z])`);

/**
 * Text that may hold a retired word: quoted code, addresses, and "to share" as a verb. `shared` is another word.
 *
 * @type {readonly RegExp[]}
 */
const exceptions = [
  /<\/?span\b[^>]*>/gi,
  /`[^`]*`/g,
  /https?:\S+/g,
  // "two tensors share memory", "backends that share it", "shares its caller's buffer"
  /\b(?:to|that|which|who|they|and|or|can|may|must|not|never|both|tensors|views|handles|layers|ops|rows|threads|tests|files|packages|backends) shares?\b/gi,
  /\bshares?(?=[.,:;]|$)/gim,
  /\bshares? (?:the|a|an|its|their|one|this|that|memory|storage|it|them|no|with|code)\b/gi,
];

/** Identifiers of the platform, of file formats (kinds of components of a tokenizer.json), and of the field. */
const foreignNames =
  /^(HTML.*SpanElement|createSpan|strip(Ansi|Internal|VTControlCharacters|TypeScriptTypes)?|[lr]strip|segmentLength|(?:read)?[wW]ordPiece|sentencePiece|Strip(?:Accents)?|strip_(?:accents|left|right))$/;

/** @param {string} text */
function retiredIn(text) {
  const rest = exceptions.reduce(
    (left, exception) => left.replace(exception, (found) => " ".repeat(found.length)),
    text,
  );
  return [...rest.matchAll(inProse)].map(([word]) => word);
}

/** @type {import("eslint").Rule.RuleModule} */
const openingRule = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: { opening: 'A comment states a subject and a verb; it does not begin with "{{word}}".' },
  },
  create: ({ sourceCode, report }) => ({
    Program() {
      let previous = -1; // the last line of a run of line comments
      for (const { type, value, loc } of sourceCode.getAllComments()) {
        if (!loc) continue;
        const continues = type === "Line" && loc.start.line === previous + 1;
        if (type === "Line") previous = loc.end.line;
        const [, word] = openings.exec(value.replace(/^[\s*]+/, "")) ?? [];
        if (word !== undefined && !continues) report({ loc, messageId: "opening", data: { word } });
      }
    },
  }),
};

/** @type {import("eslint").Rule.RuleModule} */
const glossaryRule = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: {
      retired:
        '"{{word}}": write chunk (of a sequence, buffer or list), tile (of a matrix), block or view; see docs/glossary.md.',
    },
  },
  create: ({ sourceCode, report }) => ({
    Program() {
      for (const comment of sourceCode.getAllComments()) {
        if (!comment.loc) continue;
        for (const word of retiredIn(comment.value))
          report({ loc: comment.loc, messageId: "retired", data: { word } });
      }
    },
    Identifier(node) {
      if (inName.test(node.name) && !foreignNames.test(node.name))
        report({ node, messageId: "retired", data: { word: node.name } });
    },
  }),
};

/** @type {import("eslint").Rule.RuleModule} */
const fileNameRule = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: { name: "{{name}}: file names are camelCase, after the main thing that the file holds." },
  },
  create: ({ filename, report }) => ({
    Program(node) {
      const name = basename(filename);
      const camelCase = /^[a-z][a-zA-Z0-9]*(\.test|\.spec|\.d)?\.(ts|mjs|js)$/;
      if (!camelCase.test(name) && !/\.config\.(ts|js)$/.test(name))
        report({ node, messageId: "name", data: { name } });
    },
  }),
};

export const words = {
  rules: { opening: openingRule, glossary: glossaryRule, "file-name": fileNameRule },
};
