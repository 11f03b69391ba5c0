import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel } from "../src/index.ts";
import { Host } from "../src/worker/host.ts";
import type { Report } from "../src/worker/protocol.ts";
import { chatFolder, filesIn } from "./support.ts";

// Messages of any form to the host of an open model. Each is answered, and the host goes on as before.

const seed = process.env["MAMBA_FUZZ_SEED"];
const settings = seed === undefined ? { seed: 15, numRuns: 60 } : { seed: Number(seed), numRuns: 5000 };

const types = [
  "open",
  "generate",
  "chat",
  "restore",
  "fork",
  "prepare",
  "send",
  "regenerate",
  "edit",
  "save",
];
const allTypes = [...types, "leave", "memory"];
const names = [
  "id",
  "chat",
  "fork",
  "index",
  "version",
  "source",
  "options",
  "prompt",
  "message",
  "content",
  "bytes",
];
const options = fc.dictionary(
  fc.constantFrom(
    "maxTokens",
    "temperature",
    "stop",
    "seed",
    "system",
    "messages",
    "tools",
    "keep",
    "topK",
    "x",
  ),
  fc.oneof(fc.integer({ min: -1, max: 4 }), fc.jsonValue({ maxDepth: 2 })),
);
const small = fc.integer({ min: 0, max: 2 });
const value = fc.oneof(
  fc.integer({ min: -2, max: 3 }),
  fc.string({ maxLength: 4 }),
  fc.constantFrom(undefined, null, NaN, true, "__proto__", new Uint8Array(3), new Map([["a", 1]]), [{}]),
  fc.array(fc.integer({ min: -1, max: 300 }), { maxLength: 3 }),
  options,
);
const message = fc.oneof(
  fc.anything(),
  fc
    .tuple(
      fc.constantFrom(...allTypes, "constructor", 3),
      fc.dictionary(fc.constantFrom(...names, "y"), value),
    )
    .map(([type, rest]) => ({ ...rest, type })),
  // Well-formed but for their options and numbers.
  fc
    .record({
      type: fc.constantFrom("chat", "send", "regenerate", "prepare", "generate"),
      chat: small,
      options,
    })
    .map(({ type, chat, options }) => {
      if (type === "generate") return { type, prompt: "ab", options };
      if (type === "send") return { type, chat, message: "ab", options };
      return type === "prepare" ? { type, chat } : { type, chat, options };
    }),
);

let host: Host;
let reports: Report[];
let id = 1000;
beforeAll(async () => {
  await using place = await chatFolder();
  const files = await filesIn(place.folder);
  const open = () => openModel(files, { backend: "cpu", cpu: { threads: 1 } });
  reports = [];
  host = new Host({ open, lock: () => Promise.resolve(false) }, (report) => reports.push(report));
  host.receive({ type: "open", id: 0, version: 1, source: "", options: {}, lock: "" });
  await ended(0);
});
afterAll(async () => {
  host.receive({ type: "close", id: 1 });
  expect(await ended(1)).toMatchObject({ type: "done" });
});

/** Waits for the last report of a request. */
async function ended(id: number): Promise<Report | undefined> {
  const isLast = (report: Report) =>
    (report.type === "done" || report.type === "failed" || report.type === "aborted") && report.id === id;
  for (;;) {
    const last = reports.find(isLast);
    if (last) return last;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The text that a seed gives. */
async function text(): Promise<unknown> {
  host.receive({ type: "generate", id: ++id, prompt: "a", options: { seed: 1, maxTokens: 3 } });
  const last = await ended(id);
  const own = reports.filter((report) => "id" in report && report.id === id);
  expect(last).toMatchObject({ type: "done" });
  return own
    .flatMap((report) => ("items" in report ? report.items.map((item) => "ids" in item && item.ids) : []))
    .flat();
}

test("every message is answered once, and changes nothing for later ones", async () => {
  const expected = await text();
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 6 }), async (messages) => {
      reports.length = 0;
      const ids = messages.map((data): number | undefined => {
        const isRequest =
          typeof data === "object" &&
          data !== null &&
          allTypes.includes(String((data as { type?: unknown }).type));
        if (isRequest) host.receive({ ...data, id: ++id });
        else host.receive(data);
        return isRequest ? id : undefined;
      });
      await new Promise((resolve) => setImmediate(resolve));
      for (const id of ids) {
        if (id === undefined) continue;
        host.receive({ type: "abort", id });
        await ended(id);
        answered++;
      }
      const isRefusal = (report: Report) =>
        report.type === "refused" || (report.type === "failed" && report.id < 1000);
      const refusals = reports.filter(isRefusal).length;
      expect(refusals).toBe(ids.filter((id) => id === undefined).length);
      const last = reports.flatMap((report) =>
        "id" in report && ["done", "failed", "aborted"].includes(report.type) ? [report.id] : [],
      );
      expect(new Set(last).size).toBe(last.length);
    }),
    settings,
  );
  expect(answered).toBeGreaterThan(settings.numRuns / 2);
  expect(await text()).toEqual(expected);
});
