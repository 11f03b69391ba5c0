import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveCheckpoint } from "@mamba/checkpoint";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { afterAll, beforeAll, expect, test } from "vitest";
// eslint-disable-next-line no-restricted-imports -- tiny models for tests, which no package exports
import { chatMlTemplate, chatModel } from "../../../../packages/chat/test/support.ts";
import { run } from "../../test/run.ts";
import { Stop } from "../program/errors.ts";

let base: string;
let model: string;
const place = (name: string) => join(base, name);

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-cli-chat-"));
  model = place("model");
  await using kernel = await createCpuKernel({ threads: 1 });
  const saved = chatModel(kernel);
  await saveCheckpoint(saved.model, model, { tokenizer: saved.tokenizer });
  await saveCheckpoint(saved.model, place("plain"), {
    tokenizer: chatModel(kernel, { template: null }).tokenizer,
  });
  saved.model.dispose();
});
afterAll(() => rm(base, { recursive: true }));

const options = ["--threads=1", "--seed=3", "--max-tokens=12"];
const chat = (args: readonly string[], more: Parameters<typeof run>[1] = {}) =>
  run(["chat", "-m", model, ...options, ...args], more);

interface Answer {
  readonly seed: number;
  readonly message: { readonly role: string; readonly content: string };
  readonly usage: Readonly<Record<string, number>>;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}
const answerOf = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Answer;
};

test("one message from the arguments or from stdin: the answer alone on stdout, or JSON", async () => {
  const text = await chat(["Hello"]);
  expect(text).toMatchObject({ code: 0, stderr: "" });
  expect(text.stdout).toMatch(/.\n$/s);
  expect(await chat([], { stdin: "Hello\n" })).toEqual(text);
  expect(await chat(["-"], { stdin: "Hello" })).toEqual(text);
  const json = await chat(["Hello", "--json"]);
  expect(json).toMatchObject({ code: 0, stderr: "" });
  expect(`${answerOf(json).message.content}\n`).toBe(text.stdout);
  expect(answerOf(json)).toMatchObject({
    ...{ model, backend: { name: "cpu" }, seed: 3, finish: "length" },
    usage: { cachedTokens: 0, answerTokens: 12 },
    messages: [{ role: "user", content: "Hello" }, { role: "assistant" }],
  });
  expect(answerOf(await chat(["Hello", "--json", "--system=Be brief."])).messages[0]).toEqual({
    ...{ role: "system", content: "Be brief." },
  });
  const random = await run(["chat", "Hello", "-m", model, "--max-tokens=2", "--threads=1", "--stats"]);
  expect(random.stderr).toMatch(/note: --seed -?\d+ repeats this answer\nanswer 2 tokens, .*cached/);
});

test("a conversation is saved, and goes on without reading its messages again", async () => {
  const file = place("talk.chat");
  await chat(["Hello", "--save", file]);
  const second = answerOf(await chat(["And?", "--load", file, "--save", file, "--json"]));
  expect(second.messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
  expect(second.usage["cachedTokens"]).toBeGreaterThan(30);
  const messages = place("talk.json");
  expect(await chat(["More", "--load", file, "--save", messages])).toMatchObject({ code: 0, stderr: "" });
  const third = answerOf(await chat(["End", "--load", messages, "--json"]));
  expect(third.messages.slice(0, 4)).toEqual(second.messages);
  expect(third.messages).toHaveLength(8);
  expect(third.usage["cachedTokens"]).toBe(0);
  expect(await chat(["x", "--load", file, "--system", "y"])).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining("--system: a saved conversation has its own") as string },
  });
});

test("the tools of a file and the variables of the options reach the template", async () => {
  const tools = place("tools.json");
  await writeFile(
    tools,
    JSON.stringify([{ type: "function", function: { name: "weather", parameters: {} } }]),
  );
  const template = place("template.jinja");
  await writeFile(
    template,
    "{{ tools[0].function.name }}{{ mood }}{{ flag is true }}{{ messages[0].content }}",
  );
  const given = ["--tools", tools, "--template", template, "--variable=mood=glad", "--variable=flag=true"];
  const { usage } = answerOf(await chat(["!", ...given, "--json"]));
  expect(usage["promptTokens"]).toBe("weathergladTrue!".length);
});

test("a model without a template says so, and --template gives one", async () => {
  const args = ["chat", "Hello", "-m", place("plain"), "--threads=1", "--max-tokens=2", "--seed=1"];
  const { code, stdout, stderr } = await run(args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("has no chat template");
  expect(stderr).toContain("--template FILE gives one, and mamba generate continues a text [NO_TEMPLATE]\n");
  await writeFile(place("chatml.jinja"), chatMlTemplate);
  expect(await run([...args, "--template", place("chatml.jinja")])).toMatchObject({ code: 0 });
});

test("the folder of a run of train opens what it has made", async () => {
  const folder = place("run");
  await cp(model, join(folder, "model"), { recursive: true });
  await writeFile(join(folder, "state.safetensors"), "");
  const { stdout } = await run(["chat", "Hello", "-m", folder, ...options, "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ model: join(folder, "model") });
});

test("a signal ends an answer: what came is printed and saved, and the exit code is the signal's", async () => {
  const controller = new AbortController();
  const file = place("stopped.chat");
  const { code, stdout, stderr } = await run(
    ["chat", "Hello", "-m", model, "--threads=1", "--seed=3", "--max-tokens=1000000", "--save", file],
    { signal: controller.signal, onOutput: () => controller.abort(new Stop("interrupted", 130)) },
  );
  expect(code).toBe(130);
  expect(stdout).toMatch(/\n$/);
  expect(stderr).toBe("mamba: interrupted\n");
  expect((await readFile(file)).length).toBeGreaterThan(1000);
});

test.each<[string, string[], string]>([
  ["--json without a message", ["--json"], "--json answers one message"],
  ["no terminal and no message", [], "without one a chat needs a terminal"],
  ["an empty message", [""], "the prompt is empty"],
  ["--greedy with a temperature", ["x", "--greedy", "--temperature=1"], "--greedy takes the most probable"],
  ["a variable without a value", ["x", "--variable=thinking"], "--variable must be a name and a value"],
  ["a file of tools that is not there", ["x", "--tools=/none"], "--tools: /none: there is no such file"],
  ["a folder to save to that is not there", ["x", "--save=/none/x"], "--save: the folder /none: "],
])("%s is refused before the model is opened", async (_, args, message) => {
  const { code, stdout, stderr } = await run(["chat", "-m", "/no/model", ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});
