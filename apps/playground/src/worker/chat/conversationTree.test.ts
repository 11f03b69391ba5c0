import type { ChatMessage } from "@mamba/chat";
import { expect, test } from "vitest";
import { ConversationTree } from "./conversationTree.ts";

const user = (content: string): ChatMessage => ({ role: "user", content });
const model = (content: string): ChatMessage => ({ role: "assistant", content });
const textOf = (tree: ConversationTree) => tree.messages.map(({ content }) => content).join(" ");

test("retries and edits make versions, and choosing one shows what followed it", () => {
  const tree = new ConversationTree();
  tree.follow([user("a"), model("1"), user("b"), model("2")]);
  tree.follow([user("a"), model("1"), user("b"), model("3")]); // a retry
  expect(textOf(tree)).toBe("a 1 b 3");
  expect(tree.versionsOf(3)).toEqual({ version: 1, versions: 2 });
  tree.follow([user("x")]); // an edit of the first message
  expect(textOf(tree)).toBe("x");
  tree.follow([user("x"), model("4")]);
  expect(tree.versionsOf(0)).toEqual({ version: 1, versions: 2 });
  expect(tree.versionsOf(1)).toEqual({ version: 0, versions: 1 });
  tree.choose(0, 0);
  expect(textOf(tree)).toBe("a 1 b 3");
  tree.choose(3, 0);
  expect(textOf(tree)).toBe("a 1 b 2");
  tree.choose(0, 1);
  expect(textOf(tree)).toBe("x 4");
  expect(tree.size).toBe(7);
});

test("the same message again is no new version", () => {
  const tree = new ConversationTree();
  tree.follow([user("a"), model("1")]);
  tree.follow([user("a")]);
  expect(textOf(tree)).toBe("a");
  tree.follow([user("a"), model("1")]);
  expect(tree.versionsOf(1)).toEqual({ version: 0, versions: 1 });
  expect(() => tree.choose(1, 1)).toThrow("no version 1");
});

test("a stored tree is the same tree, and anything else is refused", () => {
  const tree = new ConversationTree();
  tree.follow([user("a"), { role: "assistant", content: "1", reasoning: "hm", toolCalls: [] }]);
  tree.follow([user("b"), model("2")]);
  tree.choose(0, 0);
  const again = ConversationTree.parse(JSON.parse(JSON.stringify(tree.toJson())));
  expect(again.toJson()).toEqual(tree.toJson());
  expect(again.messages).toEqual(tree.messages);
  for (const stored of [
    undefined,
    [],
    {},
    [0],
    [0, [[{ role: "user" }, 0, []]]],
    [0, [[user("a"), 0, 3]]],
    [0, [[user("a"), "0", []]]],
  ]) {
    expect(() => ConversationTree.parse(stored)).toThrow(TypeError);
  }
});
