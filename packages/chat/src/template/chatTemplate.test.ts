import { describe, expect, it, test } from "vitest";
import { templateOf } from "../../test/templates.ts";
import { byteLevelTokenizer } from "../../test/tokenizers.ts";
import type { ChatTokenizer } from "../encode/chatTokenizer.ts";
import { ChatError } from "../errors.ts";
import type { ChatMessage } from "../message.ts";
import { ChatTemplate } from "./chatTemplate.ts";

const hello: ChatMessage[] = [{ role: "user", content: "hello" }];
const tokenizerWith = (templates: Record<string, string>): ChatTokenizer => ({
  ...byteLevelTokenizer([{ text: "<s>" }]),
  namedTokens: { bos: { text: "<s>", id: 256 } },
  chatTemplates: new Map(Object.entries(templates)),
});

function errorOf(act: () => unknown): { code: string; message: string } {
  try {
    act();
  } catch (error) {
    if (ChatError.is(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("no error");
}

test("a model without a template says which files would have one", () => {
  const { code, message } = errorOf(() => ChatTemplate.of(tokenizerWith({})));
  expect(code).toBe("NO_TEMPLATE");
  expect(message).toMatch(
    /no chat template.*chat_template\.jinja.*tokenizer_config\.json.*option `template`/,
  );
  expect(errorOf(() => ChatTemplate.of(tokenizerWith({ rag: "x" })))).toMatchObject({
    code: "NO_TEMPLATE",
    message: expect.stringContaining("only rag") as string,
  });
});

test("conversations with tools are rendered with tool_use where there is one", () => {
  const both = tokenizerWith({
    default: "{{ bos_token }}plain",
    tool_use: "with {{ tools | length }}",
    rag: "rag",
  });
  const tools = [{ name: "f" }];
  const template = ChatTemplate.of(both);
  expect(template.render(hello)).toBe("<s>plain");
  expect(template.render(hello, { tools })).toBe("with 1");
  expect(template.render(hello, { tools: [] })).toBe("<s>plain");
  expect([template.source, template.toolSource]).toEqual([
    "{{ bos_token }}plain",
    "with {{ tools | length }}",
  ]);
  expect(ChatTemplate.of(both, { template: "rag" }).render(hello, { tools })).toBe("rag");
  expect(ChatTemplate.of(both, { template: "my {{ messages | length }}" }).render(hello)).toBe("my 1");
  expect(ChatTemplate.of(tokenizerWith({ default: "one" })).render(hello, { tools })).toBe("one");
});

test("tools, calls, results and reasoning come in the form that templates read", () => {
  const template = ChatTemplate.parse(
    "{{ messages | tojson }}\n{{ tools | tojson }}{{ documents }}{{ eos_token is defined }}",
  );
  const text = template.render(
    [
      {
        role: "assistant",
        content: "",
        reasoning: "r",
        toolCalls: [{ id: "1", name: "f", arguments: { a: [1.5, null] } }],
      },
      { role: "tool", content: "ok", toolCallId: "1", name: "f" },
      { role: "assistant", content: "done", toolCalls: [] },
    ],
    { tools: [{ name: "f", description: "d", parameters: { type: "object" } }, { name: "g" }] },
  );
  expect(text.split("\n")).toEqual([
    '[{"role": "assistant", "content": "", "reasoning_content": "r", "tool_calls": [{"id": "1", "type": "function", "function": ' +
      '{"name": "f", "arguments": {"a": [1.5, null]}}}]}, {"role": "tool", "content": "ok", "name": "f", "tool_call_id": "1"}, ' +
      '{"role": "assistant", "content": "done"}]',
    '[{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}, ' +
      '{"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}}]NoneFalse',
  ]);
});

test("names and keys of the host are names and keys like others", () => {
  const json = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": "c", "toString": 2}') as never;
  const source =
    "{{ x.__proto__ }}{{ x.constructor }}{{ x.toString }}{{ x.hasOwnProperty is defined }}{{ __proto__ is defined }}{{ constructor is defined }}" +
    "{% set n = namespace(__proto__=1) %}{{ n.__proto__ }}{{ n.constructor is defined }}{{ messages[0].__proto__ is defined }}" +
    "{{ {'__proto__': 5}['__proto__'] }}{{ ''.constructor is defined }}{{ raise_exception.constructor is defined }}{{ globalThis is defined }}";
  const text = ChatTemplate.parse(source).render(hello, { variables: { x: json } });
  expect(text).toBe("{'polluted': 1}c2FalseFalseFalse1FalseFalse5FalseFalseFalse");
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

describe("an error names the problem of the template", () => {
  it.each([
    ["{{ raise_exception('only users') }}", "TEMPLATE", "refuses the conversation: only users"],
    ["{{ raise_exception('a\u001b[2J\u202eb') }}", "TEMPLATE", String.raw`a\u001b[2J\u202eb`],
    ["a\n\n{% if messages %}", "TEMPLATE", "line 3: a block or an expression has no end"],
    ["a\n{% include 'x' %}", "TEMPLATE", "line 2: the statement include is not known here or not supported"],
    ["a\n\n{{ 'x }}", "TEMPLATE", "line 3: a text has no closing quote"],
    ["{{ a ? b }}", "TEMPLATE", 'line 1: the character "?" is not expected here'],
    ["{{ missing.field }}", "TEMPLATE", "missing is not defined"],
    ["{{ messages[0].other.field }}", "TEMPLATE", "a dict has no other"],
    ["{{ 1 + 'a' }}", "TEMPLATE", "+ cannot be applied to a int and a str"],
    ["{{ x | pprint }}", "TEMPLATE", "the filter pprint is not supported"],
    ["{{ messages.append(1) }}", "TEMPLATE", "a template must not change a list"],
    [`{{ raise_exception('${"x".repeat(5000)}') }}`, "TEMPLATE", "x…"],
    [" ".repeat(300_000), "TEMPLATE_LIMIT", "more than 262144 characters"],
    [
      "{% for i in range(9) %}{{ 'x' * 4000000 }}{% endfor %}",
      "TEMPLATE_LIMIT",
      "more than 4194304 characters",
    ],
  ])("%j", (source, code, part) => {
    const error = errorOf(() => ChatTemplate.parse(source).render(hello));
    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
    expect(error.message.length).toBeLessThan(700);
  });
});

test("the limits are those that the caller gives", () => {
  const source = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}";
  const limited = (limits: object, text = source) =>
    errorOf(() => ChatTemplate.parse(text, { limits }).render(hello)).message;
  expect(limited({ timeMs: 5 })).toContain("more than 5 ms");
  expect(limited({ timeMs: 1e9, memoryBytes: 2 ** 20 })).toContain("more than 1 MiB");
  expect(limited({ textLength: 10 }, "{{ 'x' * 11 }}")).toContain("more than 10 characters");
  expect(limited({ textLength: 4 }, "")).toContain("at most 4 characters");
});

describe("messages, tools and variables that are none are refused", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(70)}1${"}".repeat(70)}`) as never;
  const message = (fields: object) => [fields] as unknown as ChatMessage[];
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  it.each([
    ["no list", "hello" as never, {}, "messages must be a list"],
    ["no object", message([] as object), {}, "messages[0] must be an object"],
    ["no role", message({ content: "x" }), {}, "messages[0].role must be system, user, assistant or tool"],
    ["another role", message({ role: "__proto__", content: "x" }), {}, "messages[0].role"],
    ["no content", message({ role: "user" }), {}, "messages[0].content must be a text"],
    [
      "content parts",
      message({ role: "user", content: [{ type: "text" }] }),
      {},
      "messages[0].content must be a text, got a list of 1",
    ],
    [
      "calls",
      message({ role: "assistant", content: "", toolCalls: [{ id: "1", name: "f" }] }),
      {},
      "toolCalls[0].arguments",
    ],
    ["tools", hello, { tools: [{}] as never }, "tools[0].name must be a text"],
    [
      "parameters",
      hello,
      { tools: [{ name: "f", parameters: "x" as never }] },
      "tools[0].parameters must be an object",
    ],
    ["depth", hello, { variables: { deep } }, "at most 64 levels"],
    ["a cycle", hello, { variables: cyclic as never }, "at most 64 levels"],
    ["a function", hello, { variables: { f: (() => 1) as never } }, "variables.f must be JSON"],
    ["infinity", hello, { variables: { f: Infinity } }, "variables.f must be JSON"],
    ["too many", Array.from({ length: 2 ** 16 + 1 }, () => hello[0]) as ChatMessage[], {}, "at most 65536"],
  ])("%s", (_, messages, options, part) => {
    const error = errorOf(() => ChatTemplate.parse("x").render(messages, options));
    expect(error.code).toBe("MESSAGES");
    expect(error.message).toContain(part);
  });
});

test("the ranges of a text that messages wrote are given", () => {
  const rendered = ChatTemplate.parse(templateOf("chatml"), {}).renderMarked([
    { role: "system", content: "be brief" },
    { role: "user", content: "hello" },
    { role: "assistant", content: "" },
  ]);
  expect(rendered.literals.map(({ start, end }) => rendered.text.slice(start, end))).toEqual([
    "be brief",
    "hello",
  ]);
});
