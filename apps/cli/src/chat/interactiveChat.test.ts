import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnswerOptions, ChatMessage, ChatOptions } from "@mamba/chat";
import { expect, onTestFinished, test } from "vitest";
import { type FakeAnswer, fakeModel } from "../../test/fakeChat.ts";
import { FakeTerminal, keys } from "../../test/terminal.ts";
import { Stop } from "../program/errors.ts";
import { History } from "./history.ts";
import { InteractiveChat } from "./interactiveChat.ts";
import { LineEditor } from "./lineEditor.ts";
import { completions } from "./slashCommands.ts";

interface Setup {
  readonly answer?: (messages: readonly ChatMessage[], options: AnswerOptions) => FakeAnswer;
  readonly options?: ChatOptions;
  readonly env?: Record<string, string>;
  readonly columns?: number;
}

/** A chat in which the model repeats the last message. */
async function open({ answer = echo, options = {}, env = { NO_COLOR: "1" }, columns = 80 }: Setup = {}) {
  const terminal = new FakeTerminal(columns);
  const controller = new AbortController();
  const { input, output } = terminal;
  const host = { program: "", stdin: input, stdout: output, stderr: output, signal: controller.signal, env };
  const history = await History.open(undefined);
  const editor = new LineEditor({ input, output, history, complete: completions, isDumb: false });
  const model = fakeModel(answer);
  const conversation = await model.chat(options);
  const chat = new InteractiveChat({
    ...{ host, model, editor, history, conversation, options, settings: {}, showsStats: false },
  });
  const ended = chat.run();
  onTestFinished(async () => {
    terminal.input.end();
    await ended.catch(() => undefined);
    editor[Symbol.dispose]();
  });
  let place = await terminal.waitFor("> ");
  /** Types a line, and returns what is shown until the next prompt. */
  const say = async (line: string, prompt: string | RegExp = /\n[\w-]*> $/) => {
    const from = terminal.text.length;
    terminal.type(`${line}\r`);
    place = await terminal.waitFor(prompt, from);
    return terminal.text.slice(from);
  };
  return { terminal, chat, ended, say, controller, place: () => place };
}

const echo = (messages: readonly ChatMessage[]): FakeAnswer => ({
  text: `you said ${messages.at(-1)?.content}`,
});
const contents = (chat: InteractiveChat) => chat.conversation.messages.map(({ content }) => content);

test("messages are answered, and a conversation can be listed, edited, retried and cut", async () => {
  let count = 0;
  const { chat, say } = await open({
    answer: (messages) => ({ text: `${messages.at(-1)?.content}! ${++count}` }),
  });
  expect(await say("one")).toBe("one\none! 1\n> ");
  expect(await say("two \\\rlines")).toContain("two \nlines! 2\n");
  expect(await say("/retry")).toContain("two \nlines! 3\n");
  expect(await say("/messages")).toContain(
    "1 user: one\n2 assistant: one! 1\n3 user: two \u21b5lines\n4 assistant: two \u21b5lines! 3\n",
  );
  expect(await say("/messages 3")).toContain("user:\ntwo \nlines\n");
  expect(await say("/edit 1\r more")).toContain("edit> one more\none more! 4\n");
  expect(contents(chat)).toEqual(["one more", "one more! 4"]);
  expect(await say("three")).toContain("three! 5");
  expect(await say("/back")).toContain("2 assistant: one more! 4\n");
  expect(contents(chat)).toHaveLength(2);
  expect(await say("/back")).toContain("the conversation is empty");
  expect(await say("/back")).toContain("there is no message of yours yet [USAGE]");
  expect(await say("//not a command")).toContain("/not a command! 6");
});

test("branches go their own ways", async () => {
  const { chat, say } = await open();
  await say("one");
  expect(await say("/fork other")).toContain("on branch other");
  expect(await say("two", "other> ")).toContain("you said two");
  expect(await say("/branches 1")).toMatch(/\* +1 +main +2 messages\n +2 +other +4 messages\nmain> $/);
  expect(contents(chat)).toEqual(["one", "you said one"]);
  await say("/branch");
  expect(await say("/switch other")).toMatch(/\* +2 +other +4 messages\n +3 +branch +2 messages\nother> $/);
  expect(await say("/switch 9")).toContain('there is no branch "9"; /branches lists them [USAGE]');
  expect(await say("/fork 7")).toContain("the name of a branch is no number");
});

test("Ctrl-C stops an answer and keeps what came; twice on an empty line it leaves", async () => {
  const { terminal, chat, ended } = await open({ answer: () => ({ text: "word ".repeat(20_000) }) });
  const from = terminal.text.length;
  terminal.type("go\r");
  await terminal.waitFor("word word", from);
  terminal.type(keys.ctrlC);
  await terminal.waitFor("stopped\n> ", from);
  expect(contents(chat)[1]).toMatch(/^word word/);
  terminal.type(keys.ctrlC);
  await terminal.waitFor("Ctrl-C once more, Ctrl-D or /exit leaves\n> ", from);
  terminal.type(keys.ctrlC);
  await ended;
});

test("a signal ends a running answer and the chat", async () => {
  const { terminal, ended, controller } = await open({ answer: () => ({ text: "word ".repeat(20_000) }) });
  terminal.type("go\r");
  await terminal.waitFor("word word");
  const stop = new Stop("terminated", 143);
  controller.abort(stop);
  await expect(ended).rejects.toBe(stop);
});

test("the results of tools are typed, and go to the model", async () => {
  const call = { name: "weather", arguments: { city: "Oslo" } };
  const { chat, say } = await open({
    answer: (messages) =>
      messages.at(-1)?.role === "tool" ? echo(messages) : { text: "", calls: [call, call] },
  });
  expect(await say("Weather?", "result of weather> ")).toContain('call weather({"city":"Oslo"})\n');
  await say("rain", /result of weather> $/);
  expect(await say("snow")).toContain("you said snow");
  expect(chat.conversation.messages.slice(2, 4)).toEqual([
    { role: "tool", content: "rain", toolCallId: "call_0", name: "weather" },
    { role: "tool", content: "snow", toolCallId: "call_1", name: "weather" },
  ]);
  await say("Again?", "result of weather> ");
  expect(await say(keys.ctrlC)).toContain("the tools have no results");
});

test("reasoning is dim, or marked where there are no colours; control characters are shown as such", async () => {
  const answer = () => ({ reasoning: "hm", text: "\n\na\u001b[2Jb" });
  const dim = await open({ answer, env: {} });
  await dim.say("x");
  expect(dim.terminal.shown).toContain("\u001b[2mh\u001b[22m");
  expect(dim.terminal.shown).not.toContain("\u001b[2J");
  expect(dim.terminal.shown).toContain("a\ufffd[2Jb\n");
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    const plain = await open({ answer, env });
    expect(await plain.say("x")).toContain("[reasoning]\nhm\n[end of reasoning]\na\ufffd[2Jb\n");
  }
});

test("settings, the system message and figures", async () => {
  const seen: AnswerOptions[] = [];
  const { say, chat } = await open({
    answer: (messages, options) => {
      seen.push(options);
      return echo(messages);
    },
    options: { system: "be brief" },
  });
  expect(await say("/set temperature 0.5")).toMatch(/temperature +0\.5\ntop-k +default\n/);
  await say("/set seed=7");
  await say("a");
  await say("/retry");
  await say("/set temperature default");
  expect(seen).toMatchObject([
    { temperature: 0.5, seed: 7 },
    { temperature: 0.5, seed: 8 },
  ]);
  expect(await say("/set tempreature 1")).toContain(
    'there is no setting "tempreature"; did you mean temperature?',
  );
  expect(await say("/set top-p 2")).toContain("--top-p must be a number, at most 1 and above 0".slice(0, 26));
  expect(await say("/stats")).toMatch(
    /answer 10 tokens, \S+ tokens\/s; prompt 12 tokens, 10 cached, 2 read; first/,
  );
  await say("/stats on");
  expect(await say("b")).toContain("10 cached");
  expect(await say("/system")).toContain("be brief");
  expect(await say("/system be long")).toContain("be long");
  expect(contents(chat).slice(0, 2)).toEqual(["be long", "a"]);
  expect(await say("/clear")).toContain("the conversation is empty");
  expect(contents(chat)).toEqual(["be long"]);
  expect(await say('/system ""')).toContain("there is no system message");
  expect(contents(chat)).toEqual([]);
});

test("a conversation is saved and loaded, with its state or as messages", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mamba-chat-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { say, chat } = await open();
  await say("one");
  const [saved, json, notes] = [join(folder, "a.chat"), join(folder, "a.json"), join(folder, "notes.txt")];
  await writeFile(notes, "mine");
  for (const path of [saved, json, saved]) expect(await say(`/save ${path}`)).toContain("saved ");
  expect(JSON.parse(await readFile(json, "utf8"))).toEqual({
    messages: [
      { role: "user", content: "one" },
      { role: "assistant", content: "you said one" },
    ],
  });
  expect(await say(`/save ${notes}`)).toContain("exists, and is no saved conversation [USAGE]");
  expect(await readFile(notes, "utf8")).toBe("mine");
  await say("/clear");
  for (const path of [saved, json]) {
    expect(await say(`/load ${path}`)).toContain(": 2 messages");
    expect(contents(chat)).toEqual(["one", "you said one"]);
  }
  expect(await say(`/load ${folder}/none`)).toContain("/load: ");
  expect(await say("/load")).toContain("/load needs a file");
});

test("a command that is not there, and an answer that fails, are one line each, and the chat goes on", async () => {
  const error = Object.assign(new Error("the template refuses it"), { code: "TEMPLATE" });
  let fails = true;
  const { say, terminal } = await open({
    answer: (messages) => (fails ? { text: "half", error } : echo(messages)),
  });
  expect(await say("/histroy")).toContain("there is no command /histroy; did you mean /history?; // begins");
  expect(await say("/xyzzyx")).toContain("/help lists them");
  expect(await say("x")).toContain("half\nthe template refuses it [TEMPLATE]\n");
  fails = false;
  expect(await say("y")).toContain("you said y");
  expect(await say("/help")).toContain("/edit [n]");
  const from = terminal.text.length;
  terminal.type("/exit\r");
  await terminal.waitFor("/exit", from);
});

test("lines of lists fit a narrow terminal", async () => {
  const { say } = await open({ columns: 40 });
  await say("word ".repeat(30));
  for (const line of (await say("/messages")).split("\n")) expect(line.length).toBeLessThanOrEqual(40);
});
