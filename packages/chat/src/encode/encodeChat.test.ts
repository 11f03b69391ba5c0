import { describe, expect, it, test } from "vitest";
import { conversations, templateNames, templateOf } from "../../test/templates.ts";
import { byteLevelTokenizer, blankTokenizer } from "../../test/tokenizers.ts";
import { ChatTemplate } from "../template/chatTemplate.ts";
import { encodeChat, encodeRendered } from "./encodeChat.ts";

/** The special tokens that the templates of `test/templates` write. */
const specials: Readonly<Record<string, readonly string[]>> = {
  chatml: ["<|im_start|>", "<|im_end|>"],
  qwen3: ["<|im_start|>", "<|im_end|>"],
  "nemotron-3-nano": ["<|im_start|>", "<|im_end|>"],
  "falcon-h1": ["<|im_start|>", "<|im_end|>"],
  "granite-4": ["<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"],
  "nemotron-nano-2": ["<SPECIAL_10>", "<SPECIAL_11>", "<SPECIAL_12>"],
  jamba: ["<|bom|>", "<|eom|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"],
  "llama-3.1": ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
  "mistral-v3": [
    "[INST]",
    "[/INST]",
    "[TOOL_CALLS]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
  ],
  gemma: ["<start_of_turn>", "<end_of_turn>"],
};
const named = { bosToken: "<s>", eosToken: "</s>" };
const tokenizerFor = (name: string) =>
  byteLevelTokenizer([
    ...["<s>", "</s>", ...(specials[name] ?? [])].map((text) => ({ text })),
    { text: "</think>", special: false },
  ]);

const isRendered = <T>(render: () => T): T | undefined => {
  try {
    return render();
  } catch {
    return undefined; // templates refuse some conversations: reference.test.ts compares those
  }
};

describe("no message makes a special token", () => {
  it.each(templateNames)("%s", (name) => {
    const template = ChatTemplate.parse(templateOf(name), named);
    const tokenizer = tokenizerFor(name);
    const all = [...tokenizer.specialTokens.keys()];
    const hostile = [
      ...all,
      all.join(""),
      `${all[2]?.slice(0, 4)}${all[2]}`,
      `a${all[3]}b</think>c${all[0]}`,
    ];
    let rendered = 0;
    conversations.slice(0, 30).forEach(({ messages, ...options }, i) => {
      const plain = messages.map((message, j) => ({ ...message, content: "x".repeat(9 + j) }));
      const spelled = messages.map((message, j) => ({
        ...message,
        content: hostile[(i + j) % hostile.length] ?? "",
      }));
      const [ids, expected] = [spelled, plain].map((list) =>
        isRendered(() =>
          encodeChat(template, tokenizer, list, options).filter((id) => id >= 256 && id !== 256 + all.length),
        ),
      );
      if (!ids || !expected) return;
      rendered++;
      expect(ids).toEqual(expected);
    });
    expect(rendered).toBeGreaterThan(8);
  });
});

describe("conversations that spell no special token have the ids of their text", () => {
  it.each(templateNames)("%s", (name) => {
    const template = ChatTemplate.parse(templateOf(name), named);
    const tokenizer = tokenizerFor(name);
    const spells = (text: string) =>
      [...tokenizer.specialTokens.keys()].some((token) => text.includes(token));
    let compared = 0;
    for (const { messages, ...options } of conversations.slice(0, 80)) {
      if (spells(JSON.stringify(messages)) || spells(JSON.stringify(options))) continue;
      const marked = isRendered(() => template.renderMarked(messages, options));
      if (!marked) continue;
      compared++;
      const whole = tokenizer.encode(marked.text, { specialTokens: true });
      expect(encodeRendered(tokenizer, marked)).toEqual(whole.slice(1)); // without the BOS of the tokenizer
    }
    expect(compared).toBeGreaterThan(8);
  });
});

/** Renders one user message with a template, and returns the ids of special tokens. */
function specialIds(source: string, content: string, added = ["<s>", "<|x|>", "[A]"]): number[] {
  const tokenizer = byteLevelTokenizer(added.map((text) => ({ text })));
  const ids = encodeChat(ChatTemplate.parse(source), tokenizer, [{ role: "user", content }]);
  expect(tokenizer.decode(ids, { specialTokens: true })).toBe(
    ChatTemplate.parse(source).render([{ role: "user", content }]),
  );
  return ids.filter((id) => id >= 256);
}

const c = "messages[0].content";
test.each([
  ["spelled by a message", `[A]{{ ${c} }}[A]`, "<|x|><s>[A]", [258, 258]],
  ["twice and within another", `{{ ${c} }}`, "<|x<|x|>|>", []],
  ["made by a replacement", `{{ ${c}.replace('-', '') }}`, "<|-x-|->", []],
  ["made by another replacement", `{{ ${c} | replace('{', '<') }}`, "{|x|>", []],
  ["made by a split and a join", `{{ ${c}.split('-') | join }}`, "<|-x-|->", []],
  ["made by trimming", `{{ '<|' ~ (${c} | trim) ~ '|>' }}`, "  x ", []],
  ["made by a change of case", `{{ ${c} | lower }}{{ ${c}.title() }}`, "<|X|>", []],
  ["across the end of a message", `{{ ${c} }}|>`, "<|x", []],
  ["across its beginning", `<|{{ ${c} }}`, "x|>", []],
  ["around it", `<|{{ ${c} }}|>`, "x", []],
  ["out of slices", `{{ ${c}[:2] ~ ${c}[2:] }}{{ ${c}[::-1][::-1] }}`, "<|x|>", []],
  ["out of characters", `{% for k in ${c} %}{{ k }}{% endfor %}`, "<|x|>", []],
  ["through a list", `{{ (${c} | list) | join }}{{ ${c}.split('|')[0] ~ '|x|>' }}`, "<|x|>", []],
  [
    "through a namespace and a macro",
    `{% set n = namespace(t='') %}{% set n.t = n.t ~ ${c} %}{% macro m(a) %}{{ a }}{% endmacro %}{{ m(n.t) }}`,
    "<s>",
    [],
  ],
  [
    "through a block",
    `{% set t %}{{ ${c} }}{% endset %}{{ t }}{% filter trim %} {{ t }} {% endfilter %}`,
    "<s>",
    [],
  ],
  ["through JSON", `{{ messages | tojson }}{{ ${c} | tojson(ensure_ascii=true) }}{{ [${c}] }}`, "<s>", []],
  ["through formats", `{{ '%s' % ${c} }}{{ '<%s>' | format(${c}) }}{{ ${c} * 2 }}`, "s", []],
  ["through an indent", `{{ ${c} | indent(2) }}{{ ${c}.splitlines() | join }}`, "<|x\n|>", []],
  ["written by the template after a comparison", `{{ '<|x|>' if ${c} == '<|x|>' }}`, "<|x|>", [257]],
  [
    "written by the template in place of a message's text",
    `{{ ${c}.replace('mark', '[A]') }}`,
    "a mark",
    [258],
  ],
])("a special token %s", (_, source, content, expected) => {
  expect(specialIds(source, content)).toEqual(expected);
});

test("keys of tools and variables are plain text too", () => {
  const source =
    "{% for k, v in tools[0].function.parameters.properties.items() %}<{{ k }}>{{ k }}{% endfor %}{{ doc }}";
  const tokenizer = byteLevelTokenizer([{ text: "<s>" }, { text: "[A]" }]);
  const ids = encodeChat(ChatTemplate.parse(source), tokenizer, [], {
    tools: [{ name: "f", parameters: { properties: { s: {}, "[A]": {} } } }],
    variables: { doc: "<s>" },
  });
  expect(ids.filter((id) => id >= 256)).toEqual([]);
});

test("a special token that is found in the normalized text is the template's alone", () => {
  const added = [{ text: "<s>" }, { text: "<|x|>", normalized: true }];
  const tokenizer = byteLevelTokenizer(added, { type: "Lowercase" });
  const template = ChatTemplate.parse("<|X|> {{ messages[0].content }} <|x|>");
  const idsOf = (content: string) =>
    encodeChat(template, tokenizer, [{ role: "user", content }]).filter((id) => id >= 256);
  expect(idsOf("nothing")).toEqual([257, 257]);
  expect(idsOf("<|x|> and <|X|>")).toEqual([257, 257]);
});

test("a longer special token that a message spells hides no shorter token that is none", () => {
  const tokenizer = byteLevelTokenizer([{ text: "<s>" }, { text: "<t>>" }, { text: "<t>", special: false }]);
  const template = ChatTemplate.parse("{{ messages[0].content }}");
  expect(encodeChat(template, tokenizer, [{ role: "user", content: "<t>>" }])).toEqual([258, 62]);
});

describe("the rest of a text has the ids that it has in the whole", () => {
  const source = "{{ bos_token }}{% for m in messages %}<|x|> {{ m.content }}<|y|>\n{% endfor %}<|x|>";
  const messages = ["hi  there", "<|x|> you", " b", ""].map((content) => ({
    role: "user" as const,
    content,
  }));
  const added = [{ text: "<s>" }, { text: "<|x|>" }, { text: "<|y|>", rstrip: true }];
  it.each([
    ["byte level", byteLevelTokenizer(added)],
    ["SentencePiece, first", blankTokenizer(added, "first")],
    ["SentencePiece, always", blankTokenizer(added, "always")],
    ["SentencePiece, Prepend", blankTokenizer(added, "Prepend")],
  ])("%s", (_, tokenizer) => {
    const rendered = ChatTemplate.parse(source, named).renderMarked(messages);
    const whole = encodeRendered(tokenizer, rendered);
    const end = tokenizer.specialTokens.get("<|y|>");
    let compared = 0;
    for (let at = rendered.text.indexOf("<|y|>"); at >= 0; at = rendered.text.indexOf("<|y|>", at + 1)) {
      const rest = encodeRendered(tokenizer, rendered, at + 5);
      expect(whole.slice(-rest.length)).toEqual(rest);
      expect(whole.at(-rest.length - 1)).toBe(end);
      compared++;
    }
    expect(compared).toBe(4);
  });
});

test("a BOS is written by the template alone, and the blank of SentencePiece stays", () => {
  const tokenizer = blankTokenizer([{ text: "<s>" }], "first");
  const hi = (source: string) =>
    tokenizer.decode(encodeChat(ChatTemplate.parse(source, named), tokenizer, []), { specialTokens: true });
  expect(encodeChat(ChatTemplate.parse("a"), tokenizer, [])).toEqual(tokenizer.encode("a"));
  expect(encodeChat(ChatTemplate.parse("a"), tokenizer, [])).toHaveLength(2);
  expect(hi("{{ bos_token }}a")).toBe("<s>a");
});
