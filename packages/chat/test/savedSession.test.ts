import { saveState, GenerationState } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AnswerEnd, ChatError, type ChatEvent, ChatSession } from "../src/index.ts";
import { chatMlTemplate, chatModel, chatTokenizer, specialIds } from "./support.ts";

let kernel: Kernel;
beforeAll(async () => {
  kernel = await createCpuKernel({ threads: 1 });
});
afterAll(async () => {
  await kernel.dispose();
});

const stop = specialIds["<|im_end|>"];
const printable = [...Array.from({ length: 95 }, (_, i) => i + 32), stop];
const greedy = { temperature: 0, maxTokens: 5, allow: { ids: printable } } as const;

async function last(stream: AsyncIterable<ChatEvent>): Promise<AnswerEnd> {
  let end: ChatEvent | undefined;
  for await (const event of stream) end = event;
  if (end?.type !== "end") throw new Error("the stream has no end");
  return end;
}

test.each(["mamba", "hybrid"] as const)(
  "a restored session of a %s model goes on as the saved one",
  async (kind) => {
    const loaded = chatModel(kernel, { kind });
    const tools = [{ name: "look", description: "Looks." }];
    using session = new ChatSession(loaded, {
      ...greedy,
      system: "Be brief.",
      tools,
      variables: { extra: 1 },
    });
    await last(session.send("Hello"));
    await last(session.send("And?"));
    const bytes = await session.save();
    // Another kernel with the same weights, as on another machine.
    await using otherKernel = await createCpuKernel({ threads: 1 });
    const other = chatModel(otherKernel, { kind });
    using restored = await ChatSession.restore(other, bytes, greedy);
    expect(restored.messages).toEqual(session.messages);
    for (const act of [
      (of: ChatSession) => of.send("Go on"),
      (of: ChatSession) => of.regenerate(),
      (of: ChatSession) => of.edit(5, "Go on then"),
      (of: ChatSession) => of.edit(3, "And then?"),
    ]) {
      const [expected, found] = [await last(act(session)), await last(act(restored))];
      expect(found.message).toEqual(expected.message);
      expect(found.usage.promptTokens).toBe(expected.usage.promptTokens);
      expect(found.usage.readTokens).toBe(expected.usage.readTokens);
    }
    const bare = await session.save({ checkpoints: 0 });
    expect(bare.length).toBeLessThan(bytes.length);
    using slow = await ChatSession.restore(loaded, bare, greedy);
    expect((await last(slow.regenerate())).usage.cachedTokens).toBe(0);
    using empty = new ChatSession(loaded, greedy);
    using emptyAgain = await ChatSession.restore(loaded, await empty.save(), greedy);
    expect(emptyAgain.messages).toEqual([]);
    expect((await last(emptyAgain.send("Hi"))).finish).toBeDefined();
    other.model.dispose();
    loaded.model.dispose();
  },
);

test("bytes of another model, template or program are refused", async () => {
  const loaded = chatModel(kernel);
  using session = new ChatSession(loaded, greedy);
  await last(session.send("Hello"));
  const bytes = await session.save();
  const refuse = async (restored: Promise<unknown>, message: string) => {
    await expect(restored).rejects.toMatchObject({
      code: "SAVED",
      message: expect.stringContaining(message) as string,
    });
  };
  const other = chatModel(kernel, { seed: 6 });
  await refuse(ChatSession.restore(other, bytes), "other weights");
  const changed = { ...loaded, tokenizer: chatTokenizer(chatMlTemplate + " ") };
  await refuse(ChatSession.restore(changed, bytes), "another chat template");
  using state = GenerationState.start(loaded.model, [1, 2]);
  await refuse(ChatSession.restore(loaded, await saveState(state)), "a state and no conversation");
  await refuse(ChatSession.restore(loaded, new TextEncoder().encode('{"messages": []}')), "saved session");
  const good = JSON.parse(
    new TextDecoder().decode(bytes).match(/"caller\.chat":("(?:[^"\\]|\\.)*")/)?.[1] ?? "",
  ) as string;
  const chat = JSON.parse(good) as Record<string, unknown>;
  for (const change of [
    { version: 2 },
    { messages: [{ role: "user" }] },
    { messages: { toString: 1 } },
    { tools: [{}] },
    {
      marks: [
        [5, 3, 0],
        [4, 4, 0],
      ],
    },
    { marks: [[1, 999, 0]] },
    { text: 5 },
    { answers: -1 },
    { now: 1e99 },
    { sources: ["x"] },
  ]) {
    const metadata = { chat: JSON.stringify({ ...chat, ...change }) };
    await refuse(ChatSession.restore(loaded, await saveState(state, { metadata })), "saved session");
  }
  other.model.dispose();
  loaded.model.dispose();
});

test("damaged bytes give ChatError SAVED, and leave no memory", async () => {
  const loaded = chatModel(kernel);
  using session = new ChatSession(loaded, greedy);
  await last(session.send("Hello"));
  const bytes = await session.save();
  const before = kernel.memory();
  let seed = Number(process.env["MAMBA_FUZZ_SEED"] ?? 1);
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const tries = process.env["MAMBA_FUZZ_SEED"] === undefined ? 60 : 3000;
  for (let i = 0; i < tries; i++) {
    const damaged = i % 3 === 0 ? bytes.slice(0, random(bytes.length)) : Uint8Array.from(bytes);
    // Half of the flips are in the header.
    const at = i % 2 === 0 ? random(damaged.length) : random(Math.min(4096, damaged.length));
    if (i % 3 !== 0) damaged[at] = (damaged[at] ?? 0) ^ (1 << random(8));
    const error: unknown = await ChatSession.restore(loaded, damaged).then(
      (restored) => {
        restored.dispose();
        return undefined;
      },
      (reason: unknown) => reason,
    );
    expect(ChatError.is(error, "SAVED"), `try ${i}, byte ${at}: ${String(error)}`).toBe(true);
  }
  expect(kernel.memory()).toEqual(before);
  loaded.model.dispose();
});
