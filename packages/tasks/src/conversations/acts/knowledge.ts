import { colourOf, kindOf, legs, opposites, sounds, young } from "../world.ts";
import { days, months, seasons, spellable } from "../words.ts";
import type { Scene } from "../scene.ts";

// Common knowledge: opposites, animals, colours, words, days.

const an = (word: string) => `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;

export function askOpposite(scene: Scene): void {
  const ask = (first: boolean) => {
    const [a, b] = scene.pick(opposites);
    const [word, opposite] = scene.chance(50) ? [a, b] : [b, a];
    // A word with two opposites is asked for in one direction only.
    const answer = opposites.find(([x]) => x === word)?.[1] ?? opposite;
    scene.turn(
      first
        ? scene.phrase(
            [
              "What is the opposite of {word}?",
              "Opposite of {word}?",
              "Tell me the opposite of {word}.",
              "What is the contrary of {word}?",
              "Which word is the opposite of {word}?",
            ],
            { word },
          )
        : scene.phrase(["And of {word}?", "And {word}?", "What about {word}?"], { word }),
      {
        kind: "knowledge",
        text: scene.phrase(["The opposite of {word} is {answer}."], { word, answer }),
        word: answer,
      },
    );
  };
  ask(true);
  while (scene.chance(30)) ask(false);
}

export function askAnimal(scene: Scene): void {
  const about = scene.draw(1, 3);
  if (about === 1) {
    const [animal, sound] = scene.pick(sounds);
    scene.turn(
      scene.phrase(
        [
          "What does {a animal} say?",
          "What sound does {a animal} make?",
          "Which sound does {a animal} make?",
          "How does {a animal} go?",
        ],
        { animal },
      ),
      { kind: "knowledge", text: scene.phrase(["{A animal} says {sound}."], { animal, sound }), word: sound },
    );
  } else if (about === 2) {
    const [animal, child] = scene.pick(young);
    scene.turn(
      scene.phrase(
        [
          "What is a young {animal} called?",
          "What is a baby {animal} called?",
          "What do you call a young {animal}?",
        ],
        { animal },
      ),
      {
        kind: "knowledge",
        text: scene.phrase(["A young {animal} is called {a child}."], { animal, child }),
        word: child,
      },
    );
  } else {
    const [animal, count] = scene.pick(legs);
    scene.turn(
      scene.phrase(
        [
          "How many legs does {a animal} have?",
          "How many legs has {a animal}?",
          "How many legs are on {a animal}?",
        ],
        { animal },
      ),
      {
        kind: "knowledge",
        text: scene.phrase(["{A animal} has {count} legs."], { animal, count }),
        word: count,
      },
    );
  }
}

export function askColour(scene: Scene): void {
  const ask = (first: boolean) => {
    const [thing, colour] = scene.pick(colourOf);
    const unique = /^(sky|sun|grass|snow|blood|sea|night|milk|coal|chocolate)$/.test(thing);
    const one = /^(grass|snow|blood|milk|coal|chocolate)$/.test(thing)
      ? thing
      : unique
        ? `the ${thing}`
        : an(thing);
    scene.turn(
      first
        ? scene.phrase(
            [
              "What colour is {one}?",
              "What color is {one}?",
              "Which colour does {one} have?",
              "What is the colour of {one}?",
            ],
            { one },
          )
        : scene.phrase(["And {one}?", "What about {one}?", "And what colour is {one}?"], { one }),
      { kind: "knowledge", text: scene.phrase(["{One} is {colour}."], { one, colour }), word: colour },
    );
  };
  ask(true);
  while (scene.chance(30)) ask(false);
}

export function askKind(scene: Scene): void {
  const [thing, kind] = scene.pick(kindOf);
  const name = /^(Monday|July|red|green|furniture)$/.test(thing) ? thing : an(thing);
  const one = kind === "furniture" || kind === "fish" ? kind : an(kind);
  if (scene.chance(50)) {
    scene.turn(
      scene.phrase(["What is {name}?", "What kind of thing is {name}?", "Do you know what {name} is?"], {
        name,
      }),
      { kind: "knowledge", text: scene.phrase(["{Name} is {one}."], { name, one }), word: kind },
    );
    return;
  }
  const [, other] = scene.chance(50) ? [thing, kind] : scene.pick(kindOf);
  const yes = other === kind ? "Yes" : "No";
  const others = other === "furniture" || other === "fish" ? other : an(other);
  scene.turn(scene.phrase(["Is {name} {others}?"], { name, others }), {
    kind: "knowledge",
    text: scene.phrase(["{yes}, {name} is {one}."], { yes, name, one }),
    word: yes,
  });
}

export function spell(scene: Scene): void {
  const ask = (first: boolean) => {
    const word = scene.pick(spellable);
    const letters = word.toUpperCase().split("").join("-");
    const task = scene.draw(1, 10);
    const it = { word };
    if (task <= 6 || !first)
      scene.turn(
        first
          ? scene.phrase(
              [
                "Spell {word}.",
                "Spell the word {word}.",
                "How do you spell {word}?",
                "Can you spell {word}?",
                "Please spell {word} for me.",
              ],
              it,
            )
          : scene.phrase(["And {word}?", "Now {word}.", "And how do you spell {word}?"], it),
        { kind: "spelling", text: letters, word: letters },
      );
    else if (task <= 8)
      scene.turn(
        scene.phrase(
          [
            "How many letters has the word {word}?",
            "How many letters does {word} have?",
            "Count the letters of {word}.",
          ],
          it,
        ),
        { kind: "spelling", text: `${letters}: ${word.length} letters.`, word: String(word.length) },
      );
    else if (task === 9)
      scene.turn(
        scene.phrase(["What is the first letter of {word}?", "Which letter does {word} begin with?"], it),
        {
          kind: "spelling",
          text: `The first letter of ${word} is ${word.charAt(0).toUpperCase()}.`,
          word: word.charAt(0).toUpperCase(),
          keys: [word.charAt(0).toUpperCase()],
        },
      );
    else
      scene.turn(
        scene.phrase(["What is the last letter of {word}?", "Which letter does {word} end with?"], it),
        {
          kind: "spelling",
          text: `The last letter of ${word} is ${word.slice(-1).toUpperCase()}.`,
          word: word.slice(-1).toUpperCase(),
        },
      );
  };
  ask(true);
  while (scene.chance(25)) ask(false);
}

export function askDay(scene: Scene): void {
  const [list, one] = scene.pick([
    [days, "day"],
    [days, "day"],
    [months, "month"],
    [seasons, "season"],
  ] as const);
  const i = scene.draw(0, list.length - 1);
  const at = (index: number) => list[(index + list.length) % list.length] ?? "";
  const item = at(i);
  const words = { item, one };
  const kind = "days and months";
  const task = scene.draw(1, 10);
  if (task <= 4) {
    scene.turn(
      scene.phrase(
        [
          "What {one} comes after {item}?",
          "Which {one} is after {item}?",
          "What comes after {item}?",
          "Which {one} follows {item}?",
        ],
        words,
      ),
      { kind, text: `${cap(at(i + 1))} comes after ${item}.`, word: at(i + 1) },
    );
    if (scene.chance(40))
      scene.turn(scene.phrase(["And after that?", "And then?", "And the {one} after that?"], words), {
        kind,
        text: `${cap(at(i + 2))}.`,
        word: at(i + 2),
      });
  } else if (task <= 7) {
    scene.turn(
      scene.phrase(
        ["What {one} comes before {item}?", "Which {one} is before {item}?", "What comes before {item}?"],
        words,
      ),
      { kind, text: `${cap(at(i - 1))} comes before ${item}.`, word: at(i - 1) },
    );
  } else if (task === 8 && one === "day") {
    scene.turn(
      scene.phrase(
        [
          "If today is {item}, what is tomorrow?",
          "Today is {item}. What day is tomorrow?",
          "Today is {item}. Which day comes next?",
        ],
        words,
      ),
      { kind, text: `Tomorrow is ${at(i + 1)}.`, word: at(i + 1) },
    );
  } else if (task === 9) {
    const [question, count] = scene.pick([
      ["How many days are in a week?", "seven"],
      ["How many months are in a year?", "twelve"],
      ["How many seasons are there?", "four"],
      ["How many hours has a day?", "twenty-four"],
      ["How many minutes are in an hour?", "sixty"],
    ] as const);
    scene.turn(question, { kind, text: `${cap(count)}.`, word: count });
  } else {
    scene.turn(
      scene.phrase([
        `Name the ${one}s${one === "day" ? " of the week" : ""}.`,
        `What are the ${one}s${one === "day" ? " of the week" : ""}?`,
        `List all ${one}s.`,
      ]),
      {
        kind,
        text: `${cap(list.slice(0, -1).join(", "))} and ${at(-1)}.`,
        word: cap(list.join(", ")),
        keys: [at(0), at(1), at(-1)],
      },
    );
  }
}

const cap = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
