import type { Scene } from "../scene.ts";
import { colours } from "../words.ts";
import { drawName } from "./drawName.ts";
import { noted } from "./traits.ts";

/** Facts in a message or the system prompt, of any things. */
export const factSubjects: readonly (readonly [subject: string, draw: (scene: Scene) => string])[] = [
  ["the code of the door", (scene) => String(scene.draw(100, 9999))],
  ["the meeting", (scene) => `on ${scene.pick(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"])}`],
  ["the office", (scene) => `on floor ${scene.draw(1, 20)}`],
  ["the name of the shop", drawName],
  ["the price of the lamp", (scene) => `${scene.draw(2, 99)} coins`],
  ["the captain of the ship", drawName],
  ["the colour of the car", (scene) => scene.pick(colours)],
  ["the train", (scene) => `at ${scene.draw(1, 12)} o'clock`],
  ["the room of the guest", (scene) => String(scene.draw(1, 400))],
  [
    "the soup of the day",
    (scene) => `${scene.pick(["tomato", "potato", "carrot", "mushroom", "bean", "onion"])} soup`,
  ],
  ["the winner of the race", drawName],
  ["the doctor", drawName],
];

export function factSentence(subject: string, value: string): string {
  return `${subject.charAt(0).toUpperCase()}${subject.slice(1)} is ${value}.`;
}

export function askFact(scene: Scene, subject: string, value: string): void {
  const question = /^(on|at) /.test(value)
    ? scene.phrase(["{on} is {subject}?", "Can you tell me {when} {subject} is?"], {
        subject,
        on: value.startsWith("on floor") ? "Where" : "When",
        when: value.startsWith("on floor") ? "where" : "when",
      })
    : scene.phrase(
        [
          "What is {subject}?",
          "Can you tell me {subject}?",
          "Tell me {subject}.",
          "I need to know {subject}.",
        ].map((text) => (/captain|winner|doctor/.test(subject) ? text.replace("What is", "Who is") : text)),
        { subject },
      );
  scene.turn(question, { kind: "facts of the prompt", text: factSentence(subject, value), word: value });
}

export function tellFacts(scene: Scene): void {
  const facts = scene
    .several(factSubjects, scene.draw(1, 3))
    .map(([subject, draw]) => [subject, draw(scene)] as const);
  scene.turn(
    scene.pick(["", "", "Remember: ", "Note this: ", "Here are some facts. "]) +
      facts.map(([subject, value]) => factSentence(subject, value)).join(" "),
    { kind: "acknowledge", text: scene.phrase(noted), word: "Okay", keys: [] },
  );
  for (const [subject, value] of scene.several(facts, scene.draw(1, facts.length)))
    askFact(scene, subject, value);
}
