import type { Scene } from "../scene.ts";
import { drawName } from "./drawName.ts";
import { residents } from "../world.ts";
import { colours, things } from "../words.ts";

const animals =
  "fox cat dog bear mouse rabbit owl frog pony goose squirrel mole lion duck hen goat wolf dragon knight princess girl boy robot".split(
    " ",
  );

const openings = [
  "Once upon a time there was {a animal} named {name}.",
  "There once was {a animal} called {name}.",
];
const plots: readonly (readonly string[])[] = [
  [
    "One day {name} lost {a colour} {thing}.",
    "{name} looked everywhere and asked {friend} the {kind} for help.",
    "They found the {thing} {where}, and {name} was happy again.",
  ],
  [
    "{name} wanted to see the sea.",
    "{friend} the {kind} showed the way, and they walked all day.",
    "In the evening they sat by the water and ate {food}.",
  ],
  [
    "{name} was afraid of the dark.",
    "So {friend} the {kind} gave {name} {a colour} lamp.",
    "From then on {name} slept well.",
  ],
  [
    "One morning {name} found {a colour} {thing} {where}.",
    "It belonged to {friend} the {kind}, and {name} brought it back.",
    "{friend} said thank you, and they became friends.",
  ],
  [
    "{name} baked {food} for {friend} the {kind}.",
    "But it began to rain, and {name} could not go.",
    "Then {friend} came with an umbrella, and they ate together.",
  ],
];
const wheres = [
  "under the bridge",
  "by the pond",
  "in the old mill",
  "behind the red barn",
  "near the oak tree",
];

/** A story of four sentences about what the user asks for. */
export function tellStory(scene: Scene): void {
  const friend = scene.pick(residents);
  const isOfAnimal = scene.chance(75);
  const isNamed = scene.chance(25);
  const animal = scene.pick(animals);
  const name = drawName(scene);
  const words = {
    animal,
    name,
    colour: scene.pick(colours),
    thing: scene.pick(things),
    friend: friend.name,
    kind: friend.kind,
    food: friend.food,
    where: scene.pick(wheres),
  };
  const user = isNamed
    ? scene.phrase(
        [
          "Tell me a story about {a animal} named {name}.",
          "A story about {a animal} called {name}, please.",
          "Tell a story of {name} the {animal}.",
        ],
        words,
      )
    : isOfAnimal
      ? scene.phrase(
          [
            "Tell me a story about {a animal}.",
            "Can you tell a story about {a animal}?",
            "A story about {a animal}, please.",
            "I want to hear a story about {a animal}.",
            "Tell me a short story of {a animal}.",
            "Write a story about {a animal}.",
          ],
          words,
        )
      : scene.phrase([
          "Tell me a story.",
          "Tell a story.",
          "Can you tell me a story?",
          "I want to hear a story.",
          "A story, please.",
          "Tell me a short story.",
        ]);
  const text = [scene.pick(openings), ...scene.pick(plots)]
    .map((sentence) => scene.phrase([sentence], words))
    .join(" ");
  scene.turn(user, {
    kind: "story",
    text,
    word: animal,
    keys: [...(isOfAnimal || isNamed ? [animal] : []), ...(isNamed ? [name] : [])],
  });
  if (scene.chance(25))
    scene.turn(
      scene.phrase(
        ["What was the name of the {animal}?", "What was the {animal} called?", "Who was the story about?"],
        words,
      ),
      {
        kind: "story",
        text: scene.phrase(["It was about {name} the {animal}.", "The {animal} was called {name}."], words),
        word: name,
      },
    );
  else if (scene.chance(20))
    scene.turn(scene.phrase(["Another one!", "Tell me another one.", "One more story, please."]), {
      kind: "story",
      text: scene.phrase([`${scene.pick(openings)} ${scene.pick(plots).join(" ")}`], {
        ...words,
        name: drawName(scene),
      }),
      word: animal,
      keys: [],
    });
}
