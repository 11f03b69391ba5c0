import type { Example } from "@mamba/train";
import { expect, test } from "vitest";
import { drawCast } from "./cast.ts";
import { fill } from "./grammar.ts";
import * as lexicon from "./lexicon.ts";
import * as deeds from "./plotsOfDeeds.ts";
import * as ofThings from "./plotsOfThings.ts";
import { stories, storyEnd } from "./stories.ts";
import { story } from "./story.ts";

const sample = Array.from({ length: 4000 }, (_, i) => story(i % 7, i));
const names = new Map([
  ...lexicon.girls.map((name) => [name, "she"] as const),
  ...lexicon.boys.map((name) => [name, "he"] as const),
]);
const genders: Record<string, string> = { he: "he", him: "he", his: "he", she: "she", her: "she" };

test("stories are lines of plain text without a trace of the templates", () => {
  for (const text of sample) {
    expect(text).toMatch(/^[A-Za-z ,.!?"]+$/);
    expect(text).not.toMatch(/ {2}|^ | $| [,.!?]|[,.!?]{2}|undefined/);
    expect(text).toMatch(/[.!?]"?$/);
    expect(text.split('"').length % 2).toBe(1);
    // Every sentence begins with a capital.
    expect(text.replace(/"[^"]*"/g, "said")).not.toMatch(/[.!?] (?!said)[a-z]/);
    const words = text.split(" ").length;
    expect(words).toBeGreaterThanOrEqual(100);
    expect(words).toBeLessThanOrEqual(200);
    expect(text.length).toBeGreaterThanOrEqual(400);
  }
});

test("a and an agree with the word that follows", () => {
  for (const text of sample) {
    expect(text).not.toMatch(/\ba [aeiou]/i);
    expect(text).not.toMatch(/\ban [^aeiou]/i);
  }
});

test("a pronoun is of somebody in its sentence, or of the last who was named", () => {
  for (const text of sample) {
    expect(text.match(/"[^"]*"/g)?.join(" ") ?? "").not.toMatch(/\b(he|she|him|his|her)\b/i);
    let last: string | undefined;
    for (const sentence of text.replace(/"[^"]*"/g, "").split(/[.!?]/)) {
      const words = sentence.match(/\w+/g) ?? [];
      const named = words.filter((word) => names.has(word));
      const possible = named.length > 0 ? named.map((name) => names.get(name)) : [last];
      for (const word of words) {
        const gender = genders[word.toLowerCase()];
        if (gender !== undefined)
          expect({ text, sentence, possible }).toMatchObject({
            possible: expect.arrayContaining([gender]) as unknown,
          });
      }
      last = names.get(named.at(-1) ?? "") ?? last;
    }
  }
});

test("two have names, of both genders, and what the beginning has comes back at the end", () => {
  const recurring = [
    ...lexicon.things,
    ...lexicon.foods,
    ...lexicon.skills.flat(),
    ...lexicon.places.map(([place]) => place),
    ...lexicon.colours,
  ];
  for (const text of sample) {
    const cast = new Set((text.match(/[A-Z]\w+/g) ?? []).filter((word) => names.has(word)));
    expect([...cast].map((name) => names.get(name)).sort()).toEqual(["he", "she"]);
    const half = text.length / 2;
    const [begin, end] = [text.slice(0, half), text.slice(half)].map((part) => part.toLowerCase()) as [
      string,
      string,
    ];
    const back = recurring.filter((word) => begin.includes(word) && end.includes(word));
    expect({ text, back }).not.toEqual({ text, back: [] });
  }
});

test("every way to say every sentence finds its words", () => {
  const cast = drawCast((min) => min);
  for (const plot of [...Object.values(ofThings), ...Object.values(deeds)]) {
    for (const ways of plot) {
      expect(new Set(ways).size).toBe(ways.length);
      for (const way of ways) expect(fill(way, cast)).not.toMatch(/[{}]/);
    }
  }
});

test("templates know articles and capitals, and have no holes", () => {
  const words = { item: "orange kite", he: "she" };
  expect(fill("{A item}, {he} {He} {a he}", words)).toBe("An orange kite, she She a she");
  expect(() => fill("{who}", words)).toThrow('there is no word for {who} in "{who}"');
});

test("no story comes twice, and none under seeds that differ modulo 4", () => {
  const seen = new Map<string, number>();
  for (let seed = -4; seed < 4; seed++) {
    for (let index = 0; index < 2000; index++) seen.set(story(seed, index), seed);
  }
  expect(seen.size).toBe(16_000);
});

test("stories depend on seed and index alone", () => {
  const far = story(3, 2 ** 52);
  expect(story(3, 5)).not.toBe(far);
  expect(story(3, 2 ** 52)).toBe(far);
  expect(story(0, 0)).toMatchInlineSnapshot(
    `"There once was a boy called Tom. Everybody said that Tom was loyal. Tom had a brown spoon and took it everywhere. One day, he went to the beach and took the spoon along. He played on the beach for a long time. Later Tom was hungry, so he sat down at the old mill with some pancakes. Suddenly he saw that the spoon was missing. He looked inside a hollow tree, but there was only a big kitten. Tom was unhappy and did not know what to do. A bear named Tess stopped and asked, "Can I help you?" "My spoon is gone," Tom said. "It is brown." "Where did you have it last?" asked Tess. "First I was on the beach," Tom remembered. So they walked back to the beach. And there, behind a bush, lay the brown spoon! "Thank you, Tess!" said Tom. "You are so eager." From that day on, Tom always kept the spoon close. The end."`,
  );
});

test("an example is stories from their beginning, each with its end; the next example has others", () => {
  const source = stories({ length: 3000, seed: 5 });
  const at = (index: number) => {
    const { ids, targets } = source.example(index) as Example;
    expect([ids.length, targets.length]).toEqual([3000, 3000]);
    expect([...targets.subarray(0, -1)]).toEqual([...ids.subarray(1)]);
    return String.fromCharCode(...ids, targets.at(-1) as number).split(String.fromCharCode(storyEnd));
  };
  const first = at(0);
  expect(first.length).toBeGreaterThan(3);
  expect(first.slice(0, -1)).toEqual(first.slice(0, -1).map((_, i) => story(5, i)));
  expect(story(5, first.length - 1)).toContain(first.at(-1));
  const next = at(1);
  expect(first).not.toContain(next[0]);
  expect(next[0]).toBe(story(5, Math.ceil(3001 / 400)));
});

test("short examples are the beginning of a story", () => {
  const { ids, targets } = stories({ length: 1 }).example(0) as Example;
  expect(String.fromCharCode(...ids, ...targets)).toBe(story(0, 0).slice(0, 2));
});

test.each([
  [() => stories({ length: 0 }), "stories: length must be a whole number from 1"],
  [() => stories({ length: 8, seed: 2 ** 31 }), "stories: seed must be"],
  [() => story(0.5, 0), "stories: seed must be"],
  [() => story(0, -1), "stories: index must be"],
])("%s is refused", (make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }));
  expect(make).toThrow(message);
});
