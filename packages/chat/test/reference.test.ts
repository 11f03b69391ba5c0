import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ChatError } from "../src/errors.ts";
import { ChatTemplate, type RenderOptions } from "../src/template/chatTemplate.ts";
import { conversations, golden, templateNames, templateOf } from "./templates.ts";

interface Renderings {
  readonly hashes: Readonly<Record<string, string>>;
  readonly texts: Readonly<Record<string, readonly string[]>>;
}

const now = new Date(2026, 10, 29, 9, 5, 7);
const tokens = { bosToken: "<s>", eosToken: "</s>", padToken: "<pad>" };

/** The text, or an error as the goldens have it: `!`, with the message where the template refuses the conversation. */
function result(render: () => string): string {
  try {
    return render();
  } catch (error) {
    if (!ChatError.is(error, "TEMPLATE")) throw error;
    return `!${/refuses the conversation: ([^]*)$/.exec(error.message)?.[1] ?? ""}`;
  }
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

describe("ten templates of published models on 200 conversations, beside Jinja", () => {
  const { hashes, texts } = golden<Renderings>("renderings.json");
  it.each(templateNames)("%s", (name) => {
    const template = ChatTemplate.parse(templateOf(name), tokens);
    const results = conversations.map(({ messages, ...options }) =>
      result(() => template.render(messages, { ...options, now } satisfies RenderOptions)),
    );
    expect(results.slice(0, 3)).toEqual(texts[name]);
    const expected = hashes[name]?.split(" ") ?? [];
    const different = results.flatMap((text, i) => (hashOf(text) === expected[i] ? [] : [{ i, text }]));
    expect(different).toEqual([]);
    expect(expected).toHaveLength(200);
  });
});

describe("short templates, beside Jinja", () => {
  const { messages = [] } = conversations[0] ?? {};
  const variables = {
    value: { a: 1, b: [1, 2.5, "x"], items: "i", é: null, t: true },
    text: "  Hello, wörld 🐍 It's  ",
    numbers: [3, 1, 2, 1],
    people: [{ name: "bo", age: 3 }, { name: "Al", age: 1 }, { name: "cy" }],
  };
  it.each(golden<readonly (readonly [string, string])[]>("snippets.json"))("%s", (source, expected) => {
    expect(result(() => ChatTemplate.parse(source, tokens).render(messages, { variables, now }))).toBe(
      expected,
    );
  });
});
