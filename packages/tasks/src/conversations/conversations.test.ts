import { expect, test } from "vitest";
import { conversation } from "./conversation.ts";
import { opposites, places, residents } from "./world.ts";

const sample = Array.from({ length: 1500 }, (_, i) => conversation(i % 7, i));

test("conversations are turns of plain text, without a trace of the templates", () => {
  for (const { messages } of sample) {
    const [first, ...rest] = messages.filter(({ role }) => role !== "system");
    expect(first?.role).toBe("user");
    expect(messages.slice(1).every(({ role }) => role !== "system")).toBe(true);
    let last = "user";
    for (const { role, content, tool_calls } of rest) {
      // The assistant answers users and tools; a tool answers a call.
      expect(role === "assistant").toBe(last !== "assistant" && last !== "call");
      if (last === "call") expect(role).toBe("tool");
      last = tool_calls === undefined ? role : "call";
      if (tool_calls === undefined) expect(content.trim()).not.toBe("");
    }
    expect(last).toBe("assistant");
    for (const { role, content } of messages) {
      if (role !== "tool") expect(content).not.toMatch(/[{}<>]|undefined|NaN| {2}|^ /);
    }
  }
});

test("the answers contain what they are checked for", () => {
  let checked = 0;
  for (const { messages, checks } of sample) {
    for (const { index, keys, letters, maxWords = Infinity } of checks) {
      const { role, content, tool_calls } = messages[index] ?? {};
      expect(role).toBe("assistant");
      const text = `${content} ${JSON.stringify(tool_calls ?? [])}`.toLowerCase();
      for (const key of keys) expect(text).toContain(key.toLowerCase());
      if (letters === "upper") expect(content).toBe(content?.toUpperCase());
      if (letters === "lower") expect(content).toBe(content?.toLowerCase());
      expect(content?.split(" ").length).toBeLessThanOrEqual(maxWords);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(4000);
});

test("a name that was told comes back", () => {
  let asked = 0;
  for (const { messages } of sample) {
    messages.forEach(({ role, content }, i) => {
      const [, name] = role === "assistant" ? (/^Your name is (\w+)\.$/.exec(content) ?? []) : [];
      if (name === undefined) return;
      asked++;
      expect(messages.slice(0, i).some((each) => each.role === "user" && each.content.includes(name))).toBe(
        true,
      );
    });
  }
  expect(asked).toBeGreaterThan(20);
});

test("tools are called as they are described", () => {
  const calls = sample.flatMap(({ messages, tools }) =>
    messages.flatMap(({ tool_calls = [] }) => tool_calls.map((call) => ({ call: call.function, tools }))),
  );
  expect(calls.length).toBeGreaterThan(100);
  for (const { call, tools = [] } of calls) {
    const found = tools.find((tool) => tool.function.name === call.name);
    expect(Object.keys(call.arguments)).toEqual(found?.function.parameters.required);
  }
});

test("the village is consistent", () => {
  const byName = new Map(residents.map((resident) => [resident.name, resident]));
  for (const { name, friend } of residents) expect(byName.get(friend)?.friend).toBe(name);
  for (const field of ["kind", "colour", "home", "food", "job", "hobby"] as const) {
    expect(new Set(residents.map((resident) => resident[field])).size).toBe(residents.length);
  }
  const beside = new Map(places.map((place) => [place.name, place.beside]));
  for (const [place, neighbour] of beside) expect(beside.get(neighbour)).toBe(place);
  expect(new Set(opposites.map((pair) => pair.join(" "))).size).toBe(opposites.length);
});

test("no conversation of two turns or more is in two classes of seeds", () => {
  const texts = [0, 1, 2, 3].map(
    (seed) => new Set(Array.from({ length: 400 }, (_, i) => JSON.stringify(conversation(seed, i).messages))),
  );
  const all = texts.flatMap((set) => [...set]);
  expect(new Set(all).size).toBe(all.length);
});

test("conversations depend on seed and index alone", () => {
  expect(conversation(3, 2 ** 52)).toEqual(conversation(3, 2 ** 52));
  expect(conversation(3, 5)).not.toEqual(conversation(3, 6));
  expect(conversation(0, 1).messages).toMatchInlineSnapshot(`
    [
      {
        "content": "My name is Sit. I like skating. The colour that I like most is white.",
        "role": "user",
      },
      {
        "content": "Good to know!",
        "role": "assistant",
      },
      {
        "content": "What is my favorite color?",
        "role": "user",
      },
      {
        "content": "You like white best.",
        "role": "assistant",
      },
      {
        "content": "Who am I?",
        "role": "user",
      },
      {
        "content": "You are Sit.",
        "role": "assistant",
      },
      {
        "content": "how many letters has the word pencil",
        "role": "user",
      },
      {
        "content": "P-E-N-C-I-L: 6 letters.",
        "role": "assistant",
      },
      {
        "content": "Ida is my uncle.",
        "role": "user",
      },
      {
        "content": "I will remember that.",
        "role": "assistant",
      },
      {
        "content": "Who was Ida again?",
        "role": "user",
      },
      {
        "content": "Ida is your uncle.",
        "role": "assistant",
      },
      {
        "content": "Goodbye!",
        "role": "user",
      },
      {
        "content": "Goodbye! Have a nice day.",
        "role": "assistant",
      },
    ]
  `);
});

test.each([
  [() => conversation(0.5, 0), "conversation: seed must be"],
  [() => conversation(0, -1), "conversation: index must be"],
])("%s is refused", (make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }));
  expect(make).toThrow(message);
});
