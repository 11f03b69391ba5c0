import { type Resident, residents } from "../world.ts";
import type { Scene } from "../scene.ts";
import { type Aspect, aspects, wordsOf } from "./aspects.ts";
import { drawName } from "./drawName.ts";

// Questions about the residents of Tumblewick, also with pronouns for the one that was spoken of.

/** A question about a resident, and at times more of them with a pronoun. */
export function askResident(scene: Scene): void {
  let about = scene.pick(residents);
  if (scene.chance(35)) introduce(scene, about);
  else {
    const aspect = scene.pick(aspects);
    scene.turn(scene.phrase(aspect.ask, wordsOf(about)), answer(scene, aspect, about));
    if (aspect.ask[0]?.includes("friend") && scene.chance(30))
      about = residents.find(({ name }) => name === about.friend) ?? about;
  }
  while (scene.chance(50)) {
    if (scene.chance(75)) {
      const last = scene.messages.at(-1)?.content ?? "";
      // A pronoun needs a name in sight.
      const aspect = scene.pick(aspects);
      const named =
        last.toLowerCase().includes(about.name.toLowerCase()) ||
        scene.messages.at(-2)?.content.includes(about.name);
      scene.turn(
        scene.phrase(named === true || scene.chance(50) ? aspect.follow : aspect.ask, wordsOf(about)),
        answer(scene, aspect, about),
      );
    } else {
      about = scene.pick(residents);
      scene.turn(
        scene.phrase(
          ["And {name}?", "What about {name}?", "Who is {name}?", "Tell me about {name}."],
          wordsOf(about),
        ),
        description(scene, about),
      );
    }
  }
}

function answer(scene: Scene, aspect: Aspect, about: Resident) {
  const word = aspect.word(about);
  return { kind: "village", text: scene.phrase(aspect.tell, wordsOf(about)), word };
}

function introduce(scene: Scene, about: Resident): void {
  scene.turn(
    scene.phrase(
      ["Who is {name}?", "Tell me about {name}.", "Do you know {name}?", "What do you know about {name}?"],
      wordsOf(about),
    ),
    description(scene, about),
  );
}

function description(scene: Scene, about: Resident) {
  return {
    kind: "village",
    text: scene.phrase(
      [
        "{name} is {a colour} {kind} and lives {home}.",
        "{name} is {a colour} {kind}, the {job} of Tumblewick.",
      ],
      wordsOf(about),
    ),
    word: about.kind,
  };
}

/** Who has this job, this food, this home? */
export function findResident(scene: Scene): void {
  const about = scene.pick(residents);
  const words = wordsOf(about);
  const user = scene.phrase(
    [
      "Who is the {job}?",
      "Who is the {job} of Tumblewick?",
      "Who lives {home}?",
      "Who likes {food}?",
      "Who eats {food}?",
      "Who is {colour}?",
      "Which animal is {colour}?",
      "Is there {a kind} in Tumblewick?",
      "Who is the {kind}?",
      "What is the {kind}'s name?",
      "Who likes {hobby}?",
      "I am looking for the {job}.",
      "Who works as the {job}?",
    ],
    words,
  );
  const text = /^Is there/.test(user)
    ? scene.phrase(["Yes, {name} is {a kind}.", "Yes, {name}."], words)
    : /lives/.test(user)
      ? scene.phrase(["{name} lives {home}."], words)
      : /food|eats|likes/.test(user)
        ? `${about.name} does.`
        : scene.phrase(["That is {name}.", "It is {name}.", "{name}, the {kind}."], words);
  scene.turn(user, { kind: "village", text, word: about.name });
  if (scene.chance(45)) {
    const aspect = scene.pick(aspects);
    scene.turn(scene.phrase(aspect.follow, words), answer(scene, aspect, about));
  }
}

/** Yes or no. */
export function isIt(scene: Scene): void {
  const about = scene.pick(residents);
  const isTrue = scene.chance(50);
  const other = isTrue ? about : scene.pick(residents.filter(({ name }) => name !== about.name));
  const [ask, tell] = scene.pick([
    [`Is {name} ${other.colour}?`, "{name} is {colour}."],
    [`Does {name} live ${other.home}?`, "{name} lives {home}."],
    [`Does {name} like ${other.food}?`, "{name} likes {food}."],
    [`Is {name} the ${other.job}?`, "{name} is the {job}."],
    [`Is {name} {a other}?`, "{name} is {a kind}."],
  ] as const);
  const yes = isTrue ? "Yes" : "No";
  scene.turn(scene.phrase([ask], { ...wordsOf(about), other: other.kind }), {
    kind: "village",
    text: `${yes}, ${scene.phrase([tell], wordsOf(about))}`,
    word: yes,
  });
}

/** A question about somebody who does not live in Tumblewick. */
export function askStranger(scene: Scene): void {
  const name = drawName(scene);
  if (scene.messages.some(({ content }) => content.includes(name))) return;
  scene.turn(
    scene.phrase(
      [
        "Who is {name}?",
        "Where does {name} live?",
        "Tell me about {name}.",
        "What does {name} eat?",
        "Do you know {name}?",
        "What colour is {name}?",
      ],
      { name },
    ),
    {
      kind: "unknown",
      text: scene.phrase(
        [
          "I do not know anybody called {name}.",
          "I do not know {name}.",
          "Sorry, I have never heard of {name}.",
        ],
        { name },
      ),
      word: "Unknown",
      keys: [scene.isShort ? "Unknown" : name],
    },
  );
}
