import { Tokenizer as Reference } from "@huggingface/tokenizers";
import { byteTokenizer, TextStream, type Tokenizer } from "@mamba/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTokenizer } from "../src/index.ts";
import { fuzzSettings } from "./support/fuzzSettings.ts";
import { tokenizerKinds } from "./support/tokenizerKinds.ts";

const bytesOf = (json: object) => new TextEncoder().encode(JSON.stringify(json));

/** A tokenizer and an independent function that decodes all ids at once; undefined for a text that it decodes otherwise. */
interface Kind {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly idCount: number;
  readonly reference: ((ids: readonly number[]) => string) | undefined;
}

const kinds: readonly Kind[] = [
  {
    name: "bytes",
    tokenizer: byteTokenizer(256),
    idCount: 260,
    reference: (ids) =>
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids.filter((id) => id < 256))),
  },
  ...tokenizerKinds.map(([name, json, isReference]): Kind => {
    const tokenizer = parseTokenizer(new Map([["tokenizer.json", bytesOf(json)]]));
    const library = new Reference(json, {});
    const reference = (ids: readonly number[]): string => {
      const known = ids.filter((id) => id < tokenizer.vocabSize);
      if (known.length === 0) return "";
      return library.decode(known, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
    };
    return {
      name,
      tokenizer,
      idCount: tokenizer.vocabSize + 3,
      reference: isReference ? reference : undefined,
    };
  }),
];

/** Ids at random, and ids of bytes that begin, continue and break characters. */
function idsFor({ idCount, tokenizer }: Kind): fc.Arbitrary<number[]> {
  const bytes = [0x80, 0xbf, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xbb, 0xf0, 0x90, 0xf4, 0x8f, 0x41];
  const emoji = [0xf0, 0x9f, 0x98, 0x80];
  const offset = tokenizer.specialTokens.has("<|im_end|>") ? idCount - 259 : idCount === 260 ? 0 : 1;
  const byteId = (byte: number) => offset + byte;
  const id = fc.oneof(
    fc.integer({ min: 4, max: 10 }), // a few short words, so that they repeat
    fc.nat(idCount - 1),
    fc.nat(Math.min(40, idCount - 1)),
    fc.constantFrom(...bytes).map(byteId),
  );
  const run = fc.nat(4).map((count) => new Array<number>(count).fill(7)); // the word "a"
  const some = fc.oneof(
    { arbitrary: id.map((one) => [one]), weight: 4 },
    run,
    fc.constant(emoji.map(byteId)),
  );
  return fc.array(some, { maxLength: 12 }).map((list) => list.flat());
}

const restore = (stream: TextStream, tokenizer: Tokenizer, stop: readonly string[] = []) =>
  new TextStream(tokenizer, { stop, snapshot: JSON.parse(JSON.stringify(stream.snapshot())) as null });

test.each(kinds.map((kind) => [kind.name, kind] as const))(
  "%s: a stream is the text of all ids, for any prompt and any cut",
  (_, kind) => {
    const { tokenizer, reference } = kind;
    const ids = idsFor(kind);
    fc.assert(
      fc.property(ids, ids, fc.array(fc.nat(20)), (prompt, generated, cuts) => {
        const all = [...prompt, ...generated];
        const whole = tokenizer.decode(all);
        if (reference && !whole.includes("\uFEFF")) expect(whole).toBe(reference(all));
        let stream = new TextStream(tokenizer);
        stream.read(prompt);
        const before = tokenizer.decode(prompt);
        let text = before.slice(0, before.length - stream.rest().length);
        expect(text + stream.rest()).toBe(before);
        generated.forEach((id, i) => {
          if (cuts.includes(i)) stream = restore(stream, tokenizer);
          text += stream.push(id).text;
          expect(text + stream.rest()).toBe(tokenizer.decode(all.slice(0, prompt.length + i + 1)));
        });
        expect(text + stream.rest()).toBe(whole);
      }),
      fuzzSettings(100_000 / kinds.length, 150),
    );
  },
  600_000,
);

test.each(kinds.map((kind) => [kind.name, kind] as const))(
  "%s: stop strings end a text where a search of the text finds them",
  (_, kind) => {
    const { tokenizer } = kind;
    const stops = fc.array(
      fc.constantFrom("a", "ab", "ba b", " ", "b.", "😀", "\uFFFD\uFFFD", "a\uFFFD", "xx"),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(idsFor(kind), stops, fc.nat(20), (ids, stop, cut) => {
        const plain = new TextStream(tokenizer);
        let stream = new TextStream(tokenizer, { stop });
        let [all, text, stopped] = ["", "", false];
        for (const [i, id] of ids.entries()) {
          if (i === cut) stream = restore(stream, tokenizer, stop);
          all += plain.push(id).text;
          const found = stream.push(id);
          text += found.text;
          stopped = found.stopped;
          expect(stopped).toBe(stop.some((end) => all.includes(end)));
          expect(all.startsWith(text)).toBe(true);
          if (stopped) break;
        }
        const end = (whole: string) =>
          Math.min(whole.length, ...stop.map((one) => whole.indexOf(one)).filter((at) => at !== -1));
        const whole = stopped ? all : all + plain.rest();
        expect(stopped ? text : text + stream.rest()).toBe(whole.slice(0, end(whole)));
      }),
      fuzzSettings(2000, 150),
    );
  },
  600_000,
);
