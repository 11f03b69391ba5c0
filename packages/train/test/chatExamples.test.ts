import { ChatTemplate } from "@mamba/chat";
import { expect, test } from "vitest";
import { chatMlTemplate, chatTokenizer } from "./chatTokenizer.ts";
import { chatExamples } from "../src/chat/chatExamples.ts";
import { type Conversation, parseConversation } from "../src/chat/conversation.ts";
import { type Example, ignoreIndex } from "../src/dataSource.ts";

const chatMl = chatTokenizer();
const user = (content: string) => ({ role: "user", content }) as const;
const assistant = (content: string) => ({ role: "assistant", content }) as const;

function examplesOf(messages: Conversation["messages"], template = chatMlTemplate, rest: object = {}) {
  const tokenizer = chatTokenizer(template);
  return chatExamples({ messages, ...rest }, { template: ChatTemplate.of(tokenizer), tokenizer, ...rest });
}

/** The text of an example, in which targets stand between angle quotes. */
function marked({ ids, targets }: Example): string {
  let text = "";
  let learning = false;
  let pending = [ids[0] ?? 0];
  const flush = () => {
    text += chatMl.decode(pending, { specialTokens: true });
    pending = [];
  };
  targets.forEach((target, i) => {
    if ((target !== ignoreIndex) !== learning) {
      flush();
      text += learning ? "»" : "«";
      learning = !learning;
    }
    const id = target === ignoreIndex ? ids[i + 1] : target;
    if (id !== undefined) pending.push(id);
  });
  flush();
  return learning ? `${text}»` : text;
}

test("turns share an example, and only the answers with their ends are targets", () => {
  const { examples, answers, dropped } = examplesOf([
    { role: "system", content: "Short." },
    user("Hi"),
    assistant("Hello"),
    user("Bye"),
    assistant("Ciao"),
    user("?"),
  ]);
  expect(examples.map(marked)).toEqual([
    "<|im_start|>system\nShort.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n«Hello<|im_end|>»" +
      "\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n«Ciao<|im_end|>»",
  ]);
  expect({ answers, dropped }).toEqual({ answers: 2, dropped: 0 });
});

test("a message that spells a special token is plain text", () => {
  const { examples } = examplesOf([user("<|im_end|>"), assistant("a<|im_start|>b")]);
  const end = chatMl.specialTokens.get("<|im_end|>");
  expect([...examples[0]!.ids].filter((id) => id === end)).toHaveLength(1);
  expect([...examples[0]!.targets].filter((id) => id === end)).toHaveLength(1);
});

const stripping = chatMlTemplate.replace(
  "(message.content or '')",
  "(('<think>' + message.reasoning_content + '</think>') if loop.last and message.reasoning_content else '') + message.content",
);

test("a template that leaves earlier reasoning out begins another example after it", () => {
  const think = (content: string, reasoning: string) => ({ ...assistant(content), reasoning });
  const { examples, answers } = examplesOf(
    [
      user("1"),
      think("one", "hm"),
      user("2"),
      think("two", "well"),
      user("3"),
      assistant("three"),
      user("4"),
      assistant("four"),
    ],
    stripping,
  );
  const turn = (question: string) => `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
  const history = `${turn("1")}one<|im_end|>\n${turn("2")}`;
  expect(examples.map(marked)).toEqual([
    `${turn("1")}«<think>hm</think>one<|im_end|>»`,
    `${history}«<think>well</think>two<|im_end|>»`,
    `${history}two<|im_end|>\n${turn("3")}«three<|im_end|>»\n${turn("4")}«four<|im_end|>»`,
  ]);
  expect(answers).toBe(4);
});

test("a prompt that begins the reasoning is part of the prompt, and the reasoning of the answer", () => {
  const opening = chatMlTemplate.replace(
    "'<|im_start|>assistant\\n' }}{%- endif %}",
    "'<|im_start|>assistant\\n<think>\\n' }}{%- endif %}",
  );
  const prompt = "<|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\n<think>\n";
  const messages = [user("1"), { ...assistant("one"), reasoning: "hm" }];
  expect(examplesOf(messages, opening).examples.map(marked)).toEqual([
    `${prompt}«hm\n</think>\n\none<|im_end|>»`,
  ]);
  const other = opening.replace("<think>\\n' }}{%- endif %}", "Answer: ' }}{%- endif %}");
  expect(() => examplesOf(messages, other)).toThrow(/prompt for an answer ends with "Answer: "/);
});

test("without a token at the end of an answer, the end token is the last target and is not read", () => {
  const plain =
    "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";
  const { examples } = examplesOf([user("1"), assistant("one"), user("2"), assistant("two")], plain);
  const [{ ids, targets }] = examples as [Example];
  const end = chatMl.stopIds[0];
  expect(chatMl.decode([...ids], { specialTokens: true })).toBe(
    "user: 1\nassistant: one\nuser: 2\nassistant: two\n",
  );
  expect([...targets].filter((id) => id === end)).toHaveLength(2);
  expect(targets.at(-1)).toBe(end);
});

test("messages of weight 0 and a greeting are read, and not learned", () => {
  const parsed = parseConversation(
    {
      messages: [
        { role: "assistant", content: "Welcome" },
        { role: "user", content: [{ type: "text", text: "1" }] },
        { role: "assistant", content: "one", weight: 0 },
        { from: "human", value: "2" },
        { from: "gpt", value: "two" },
      ],
    },
    "a",
  );
  const { examples, answers } = examplesOf(parsed.messages, chatMlTemplate, { unlearned: parsed.unlearned });
  expect(answers).toBe(1);
  expect(marked(examples[0]!)).toMatch(
    /^<\|im_start\|>assistant\nWelcome<\|im_end\|>\n.*one<\|im_end\|>\n.*«two<\|im_end\|>»$/s,
  );
});

test("tool calls are learned as the template writes them", () => {
  const json = {
    messages: [
      { role: "user", content: "Weather?" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "get", arguments: '{"city":"Oslo"}' } }],
      },
      { role: "tool", tool_call_id: "c1", content: "cold" },
      { role: "assistant", content: "Cold." },
    ],
    tools: [{ type: "function", function: { name: "get", parameters: { type: "object" } } }],
  };
  const { messages, tools } = parseConversation(json, "a");
  const [example] = examplesOf(messages, chatMlTemplate, { tools }).examples;
  const text = marked(example!);
  expect(text).toContain(
    '«<tool_call>\n{"name": "get", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>»',
  );
  expect(text).toContain('"name": "get"');
  expect(text).toMatch(/«Cold\.<\|im_end\|>»$/);
});

test("answers beyond maxLength are left out and counted", () => {
  const messages = [user("1"), assistant("one"), user("2"), assistant("two")];
  const whole = examplesOf(messages);
  const length = whole.examples[0]!.ids.length;
  const cut = (maxLength: number) => examplesOf(messages, chatMlTemplate, { maxLength });
  expect(cut(length)).toEqual(whole);
  const one = cut(length - 1);
  expect(one).toMatchObject({ answers: 1, dropped: 1 });
  expect(one.examples[0]!.ids.length).toBeLessThan(length);
  expect(cut(5)).toEqual({ examples: [], answers: 0, dropped: 2 });
});

test.each([
  [[], "a: expected an object with messages"],
  [{ messages: 3 }, "expected messages, an array, got 3"],
  [{ messages: [3] }, "a: message 1: expected an object, got 3"],
  [{ messages: [{ content: "x" }] }, "a: message 1: role must be one of"],
  [{ messages: [{ role: "__proto__", content: "x" }] }, "a: message 1: role must be one of"],
  [{ messages: [{ role: "user" }] }, "a: message 1: content must be a text, got none"],
  [
    { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
    'parts of the type "text" alone, got "image_url"',
  ],
  [{ messages: [{ role: "assistant", content: "x", weight: 0.5 }] }, "weight must be 0 or 1, got 0.5"],
  [{ messages: [{ role: "assistant", tool_calls: [{}] }] }, "a: message 1, tool call 1: expected the name"],
  [{ messages: [{ role: "user", content: "x", tool_calls: [{}] }] }, "the role user has no tool_calls"],
  [{ messages: [], tools: {} }, "tools must be an array"],
] as const)("refuses %j", (json, message) => {
  expect(() => parseConversation(json as never, "a")).toThrow(
    expect.objectContaining({ code: "DATA", message: expect.stringContaining(message) as string }),
  );
});
