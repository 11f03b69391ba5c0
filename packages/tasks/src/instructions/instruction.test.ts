import { expect, test } from "vitest";
import { type Command, instruction } from "./instruction.ts";
import { instructionChat } from "./instructionChat.ts";

/** The rules once more, from the text of the message. */
const rules: Readonly<Record<Command, RegExp | ((args: string[]) => string)>> = {
  zorp: ([a, b]) => `zorp ${Number(a) + Number(b)}`,
  flim: (args) => args.reverse().join(" "),
  dubb: (args) => args.flatMap((word) => [word, word]).join(" "),
  krate: (args) => args.map((word) => `[${word}]`).join(" "),
  nug: (args) => `${args.length} nugs`,
  morl: /^(\w+day)(, \w+day)+$/,
  veth: /^\w+(, \w+)+$/,
  jinx: ([name, value]) => `{"${name}": "${value}"}`,
};

test("each instruction has the answer of its rule", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const { command, input, answer } = instruction(i % 5, i);
    const [name, ...args] = input.split(/:? /);
    expect(name).toBe(command);
    const rule = rules[command];
    if (typeof rule === "function") expect(answer).toBe(rule(args));
    else expect(answer).toMatch(rule);
    seen.add(command);
  }
  expect([...seen].sort()).toEqual(Object.keys(rules).sort());
  const days = instruction(0, 0);
  expect(days).toMatchInlineSnapshot(`
    {
      "answer": "[tomatoes]",
      "command": "krate",
      "input": "krate: tomatoes",
    }
  `);
});

test("no instruction is in two classes of seeds", () => {
  const inputs = [0, 1, 2, 3].map(
    (seed) => new Set(Array.from({ length: 500 }, (_, i) => instruction(seed, i).input)),
  );
  const all = inputs.flatMap((set) => [...set]);
  expect(new Set(all).size).toBe(all.length);
});

test("a conversation has four instructions and checks their answers", () => {
  const { messages, checks } = instructionChat(1, 7);
  expect(messages.map(({ role }) => role)).toEqual(new Array(4).fill(["user", "assistant"]).flat());
  expect(checks.map(({ index }) => [messages[index]?.content])).toEqual(checks.map(({ keys }) => keys));
  expect(checks.every(({ whole }) => whole === true)).toBe(true);
});

test("seed and index are checked", () => {
  expect(() => instruction(0, 0.5)).toThrow("instruction: index must be");
});
