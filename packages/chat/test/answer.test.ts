import { expect, test } from "vitest";
import {
  type AnswerEvent,
  type AnswerFormat,
  answerFormat,
  AnswerParser,
  ChatTemplate,
} from "../src/index.ts";
import { chatTokenizer } from "./support.ts";

const tokenizer = chatTokenizer();
const formatOf = (source: string) => answerFormat(ChatTemplate.parse(source), tokenizer);

// The marks as the templates of published models write them.
const hermes = formatOf("{{ '<tool_call>' }}{{ '</tool_call>' }}{{ '<think>' }}{{ '</think>' }}");
const coder = formatOf("{{ '<tool_call>\n<function=' }}{{ '</tool_call>' }}");
const nemotron = formatOf("{{ '<TOOLCALL>[' }}{{ ']</TOOLCALL>' }}{{ '<think>' }}");
const jamba = formatOf("{{ '<tool_calls>[' }}{{ ']</tool_calls>' }}");
const mistral = formatOf("{{ '[TOOL_CALLS]' }}");
const granite = formatOf("{{ '<|tool_call|>' }}");
const llama = formatOf(`{{ '{"name": "' }}{{ '"parameters": ' }}{{ '<|python_tag|>' }}`);
const plain = formatOf("{{ messages[0].content }}");

/** Events with the texts of neighbours of one type joined. */
function joined(events: readonly AnswerEvent[]): AnswerEvent[] {
  const result: AnswerEvent[] = [];
  for (const event of events) {
    const before = result.at(-1);
    if (event.type !== "toolCall" && before?.type === event.type) {
      result[result.length - 1] = { type: event.type, text: before.text + event.text };
    } else result.push(event);
  }
  return result;
}

function parse(format: AnswerFormat, parts: readonly string[], options = {}): AnswerEvent[] {
  const parser = new AnswerParser(format, options);
  return joined([...parts.flatMap((part) => parser.push(part)), ...parser.end()]);
}

const text = (value: string): AnswerEvent => ({ type: "text", text: value });
const reasoning = (value: string): AnswerEvent => ({ type: "reasoning", text: value });
const call = (name: string, args: object | string, id = "call00001") =>
  ({ type: "toolCall", call: { id, name, arguments: args } }) as AnswerEvent;

const cases: readonly (readonly [name: string, AnswerFormat, string, readonly AnswerEvent[], object?])[] = [
  [
    "plain text",
    plain,
    "Hi <tool_call>{}</tool_call> <think>",
    [text("Hi <tool_call>{}</tool_call> <think>")],
  ],
  ["reasoning", hermes, "<think>\nHm, <b>?\n</think>\n\nYes.", [reasoning("Hm, <b>?"), text("Yes.")]],
  [
    "reasoning that the prompt opens",
    nemotron,
    "Hm.\n</think>\nYes.",
    [reasoning("Hm."), text("Yes.")],
    { prompt: "x<think>\n" },
  ],
  ["closed reasoning in the prompt", hermes, "Yes.", [text("Yes.")], { prompt: "<think>\n\n</think>\n\n" }],
  ["the mark of reasoning in the text", hermes, "I write <think> here.", [text("I write <think> here.")]],
  ["endless reasoning", hermes, "<think>a <tool_call>", [reasoning("a <tool_call>")]],
  [
    "text and two calls",
    hermes,
    'Let me see.\n<tool_call>\n{"name": "f", "arguments": {"a": "</tool_call>", "b": [1, {}]}}\n</tool_call>\n<tool_call>{"name":"g","arguments":"{\\"x\\":1}"}</tool_call>',
    [text("Let me see."), call("f", { a: "</tool_call>", b: [1, {}] }), call("g", { x: 1 }, "call00002")],
  ],
  ["the end mark is missing", hermes, '<tool_call>{"name": "f", "arguments": {}}', [call("f", {})]],
  [
    "ids go on",
    hermes,
    '<tool_call>{"name": "f", "arguments": {}}',
    [call("f", {}, "call00008")],
    { calls: 7 },
  ],
  ["no JSON", hermes, "a <tool_call> f(1) </tool_call> b", [text("a <tool_call> f(1) </tool_call> b")]],
  [
    "no name",
    hermes,
    'a <tool_call>{"arguments": {}}</tool_call>',
    [text('a <tool_call>{"arguments": {}}</tool_call>')],
  ],
  [
    "bad JSON, then a call",
    hermes,
    '<tool_call>{"name: "f"}</tool_call>\n<tool_call>{"name":"g","arguments":{}}</tool_call>',
    [text('<tool_call>{"name: "f"}</tool_call>'), call("g", {})],
  ],
  ["a cut call", hermes, 'a <tool_call>{"name": "f", "argu', [text('a <tool_call>{"name": "f", "argu')]],
  ["a cut mark", hermes, "a <tool_ca", [text("a <tool_ca")]],
  ["blanks at the end", hermes, " a \n ", [text(" a \n ")]],
  [
    "separators",
    granite,
    '<|tool_call|>{"name":"f","arguments":{}}, and more',
    [call("f", {}), text(", and more")],
  ],
  [
    "XML",
    coder,
    "<tool_call>\n<function=f>\n<parameter=code>\nif (a < b) {\n  x();\n}\n</parameter>\n<parameter=n>\n5\n</parameter>\n<parameter=zip>\n01\n</parameter>\n</function>\n</tool_call>",
    [call("f", { code: "if (a < b) {\n  x();\n}", n: 5, zip: "01" })],
    { tools: [{ name: "f", parameters: { properties: { zip: { type: "string" } } } }] },
  ],
  ["XML without its mark", coder, "<function=f></function> b", [call("f", {}), text("b")]],
  ["XML with JSON", coder, '<function=f>{"a": 1}</function>', [call("f", { a: 1 })]],
  ["broken XML", coder, "<tool_call><function=f>x</function>", [text("<tool_call><function=f>x</function>")]],
  [
    "Nemotron",
    nemotron,
    '<TOOLCALL>[{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]</TOOLCALL>',
    [call("f", { a: 1 }), call("g", {}, "call00002")],
  ],
  ["Jamba", jamba, '<tool_calls>[\n{"name": "f", "arguments": {}}\n]</tool_calls>', [call("f", {})]],
  [
    "Mistral",
    mistral,
    '[TOOL_CALLS] [{"name": "f", "arguments": {}, "id": "abc123def"}]',
    [call("f", {}, "abc123def")],
  ],
  [
    "Mistral's newer form",
    mistral,
    '[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[CALL_ID]x9[ARGS]{}',
    [call("f", { a: 1 }), call("g", {}, "x9")],
  ],
  ["Granite", granite, '<|tool_call|>[{"name": "f", "arguments": {}}]', [call("f", {})]],
  [
    "Llama",
    llama,
    '{"name": "f", "parameters": {"a": 1}}; {"name": "g", "parameters": {}}',
    [call("f", { a: 1 }), call("g", {}, "call00002")],
  ],
  [
    "JSON that is no call",
    llama,
    '{"name": "Bo", "age": 3} {"x": 1}',
    [text('{"name": "Bo", "age": 3} {"x": 1}')],
  ],
  ["astral characters", hermes, "😀<think>", [text("😀<think>")]],
];

const named = cases.map(([name, format, answer, expected, options]) => ({
  name,
  format,
  answer,
  expected,
  options,
}));

test.each(named)(
  "$name: the events do not depend on how the text is cut",
  ({ format, answer, expected, options }) => {
    expect(parse(format, [answer], options)).toEqual(expected);
    for (let at = 0; at <= answer.length; at++) {
      expect(parse(format, [answer.slice(0, at), answer.slice(at)], options)).toEqual(expected);
    }
    expect(parse(format, answer.split(""), options)).toEqual(expected);
  },
);

test("random answers: the same events for any cut, and no character is lost but marks and blanks", () => {
  const tokens = [
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    '{"name":"f","arguments":{}}',
    "{",
    "}",
    '"',
    "<",
    "a",
    "\n",
    " ",
    "[",
    "<function=f>",
    "</function>",
    "<parameter=a>",
    "</parameter>",
    ",",
  ];
  const both = { ...hermes, calls: [...hermes.calls, ...coder.calls.slice(1), ...llama.calls] };
  let seed = Number(process.env["MAMBA_FUZZ_SEED"] ?? 1);
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const tries = process.env["MAMBA_FUZZ_SEED"] === undefined ? 500 : 50_000;
  for (let i = 0; i < tries; i++) {
    const answer = Array.from({ length: random(24) }, () => tokens[random(tokens.length)]).join("");
    const whole = parse(both, [answer]);
    const at = random(answer.length + 1);
    expect(parse(both, [answer.slice(0, at), answer.slice(at)])).toEqual(whole);
    expect(parse(both, answer.split(""))).toEqual(whole);
    const kept = whole.map((event) => (event.type === "toolCall" ? "" : event.text)).join("");
    const count = (of: string) => of.split("a").length;
    if (!whole.some(({ type }) => type === "toolCall"))
      expect(count(kept)).toBe(count(answer.replaceAll(/<\/?think>/g, "")));
  }
});

test("sizes are bounded, and hostile answers take linear time", () => {
  const open = '<tool_call>{"name":"f","arguments":{}}';
  const many = parse(hermes, [open.repeat(200)]);
  expect(many.filter(({ type }) => type === "toolCall")).toHaveLength(128);
  expect(many.at(-1)).toEqual(text(open.repeat(72)));
  const long = `<tool_call>{"name":"${"x".repeat(70_000)}"}`;
  expect(parse(hermes, [long])).toEqual([text(long)]);
  const deep = `<tool_call>{"name":"f","arguments":{"a":${"[".repeat(80)}${"]".repeat(80)}}}`;
  expect(parse(hermes, [deep])).toEqual([text(deep)]);
  // A conversation takes 64 levels, so deeper values of arguments stay text.
  const levels = "[".repeat(20_000) + "]".repeat(20_000);
  const xml = parse(coder, [
    `<tool_call><function=f><parameter=a>${levels}</parameter></function></tool_call>`,
  ]);
  expect(xml).toMatchObject([{ call: { arguments: { a: levels } } }]);
  const inText = JSON.stringify(`{"a":${levels}}`);
  const spelled = parse(hermes, [`<tool_call>{"name":"f","arguments":${inText}}</tool_call>`]);
  expect(spelled).toMatchObject([{ call: { arguments: `{"a":${levels}}` } }]);
  const start = performance.now();
  for (const part of [
    "<tool_call>",
    "<tool_call>{",
    '<tool_call>{"',
    "<tool_call><function=a><parameter=b>",
    "<think>",
    "<",
  ]) {
    const hostile = part.repeat(60_000 / part.length) + "</parameter>x";
    const events = parse(coder.calls.length > 0 ? { ...hermes, calls: coder.calls } : hermes, [hostile]);
    expect(
      events.map((event) => (event.type === "toolCall" ? "" : event.text)).join("").length,
    ).toBeGreaterThan(50_000);
  }
  expect(performance.now() - start).toBeLessThan(5000);
});
