import type { Scene } from "../scene.ts";
import { noted, type Trait, traits } from "./traits.ts";

const unknowns = [
  "You have not told me yet.",
  "I do not know. You have not told me.",
  "You did not tell me that.",
];

function tell(scene: Scene, trait: Trait): void {
  const v = trait.draw(scene);
  const named = trait.key !== "name" && scene.memory.has("name") && scene.chance(10);
  const text = scene.phrase(trait.noted, { v });
  scene.turn(scene.phrase(trait.tell, { v }), {
    kind: "acknowledge",
    text: named ? `${text.replace(/[.!]$/, "")}, ${scene.memory.get("name") ?? ""}!` : text,
    word: "Okay",
    keys: trait.key === "name" && text.includes(v) && !scene.isShort ? [v] : [],
  });
  scene.memory.set(trait.key, v);
}

function ask(scene: Scene, trait: Trait): void {
  const v = scene.memory.get(trait.key);
  const user = scene.phrase(trait.ask);
  if (v === undefined)
    scene.turn(user, {
      kind: "unknown",
      text: scene.phrase(unknowns),
      word: "Unknown",
      keys: [scene.isShort ? "Unknown" : "not"],
    });
  else scene.turn(user, { kind: "recall", text: scene.phrase(trait.known, { v }), word: v });
}

/** The user tells something of himself. */
export function tellTrait(scene: Scene): void {
  const fresh = traits.filter(({ key }) => !scene.memory.has(key));
  const first = fresh[0];
  // The name comes up most.
  if (fresh.length === 0 || first === undefined) askTrait(scene);
  else tell(scene, first.key === "name" && scene.chance(50) ? first : scene.pick(fresh));
}

/** The user asks for something that he has told, or at times for something that he has not. */
export function askTrait(scene: Scene): void {
  const known = traits.filter(({ key }) => scene.memory.has(key));
  if (known.length === 0 || scene.chance(12)) ask(scene, scene.pick(traits));
  else ask(scene, scene.pick(known));
}

/** Two or three things told in one message, and one asked for. */
export function tellTwo(scene: Scene): void {
  const chosen = scene.several(traits, scene.draw(2, 3));
  const values = chosen.map((trait) => trait.draw(scene));
  const text = chosen
    .map((trait, i) => scene.phrase(trait.tell, { v: values[i] ?? "" }).replace(/^(Hi|Hello)[,!] /, ""))
    .join(" ");
  scene.turn(text, { kind: "acknowledge", text: scene.phrase(noted), word: "Okay", keys: [] });
  chosen.forEach((trait, i) => scene.memory.set(trait.key, values[i] ?? ""));
  for (const trait of scene.several(chosen, scene.draw(1, 2))) ask(scene, trait);
}

/** The user corrects something. */
export function correct(scene: Scene): void {
  const known = traits.filter(({ key }) => scene.memory.has(key));
  const trait = known.length > 0 ? scene.pick(known) : traits[0];
  if (trait === undefined) return;
  if (known.length === 0) tell(scene, trait);
  const v = trait.draw(scene);
  const noun =
    {
      name: "name",
      colour: "favourite colour",
      food: "favourite food",
      hobby: "hobby",
      town: "home town",
      age: "age",
      job: "job",
      number: "number",
      word: "word",
    }[trait.key] ?? "";
  const my = trait.key === "word" ? "the" : "my";
  scene.turn(
    scene.phrase(
      [
        "No, {my} {noun} is {v}.",
        "Sorry, {my} {noun} is {v}.",
        "That is wrong: {my} {noun} is {v}.",
        "I made a mistake. {My} {noun} is {v}.",
        "Actually, {my} {noun} is {v}.",
        "Correction: {my} {noun} is {v}.",
        "Not {old}. {My} {noun} is {v}.",
      ],
      { my, noun, v, old: scene.memory.get(trait.key) ?? "" },
    ),
    {
      kind: "correction",
      text: scene.phrase(
        ["Sorry! I will remember {v}.", "I see: {v}.", "Okay, {v}.", "Thank you, {v} it is."],
        { v },
      ),
      word: v,
    },
  );
  scene.memory.set(trait.key, v);
  if (scene.chance(80)) ask(scene, trait);
}
