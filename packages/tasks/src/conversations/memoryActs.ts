import { givenNames, colours, hobbies, jobs, meals, petNames, pets, relatives, spots, things, towns } from "./words.ts";
import type { Scene } from "./scene.ts";

// What the user tells of himself, and asks for later.

/** A name that most likely occurs nowhere else, so that names must be copied and cannot be learned by heart. */
export function drawName(scene: Scene): string {
  if (scene.chance(60)) return scene.pick(givenNames);
  const syllable = () =>
    scene.pick([..."bdfghjklmnprstvwz", "br", "st", "tr", "sh", "kr", "fl"]) + scene.pick([..."aeiou", "ai", "ee", "ou"]);
  const text = syllable() + (scene.chance(60) ? syllable() : "") + scene.pick(["n", "l", "r", "s", "k", "", "m", "t"]);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

interface Trait {
  readonly key: string;
  draw(scene: Scene): string;
  /** `{v}` is the value. */
  readonly tell: readonly string[];
  readonly noted: readonly string[];
  readonly ask: readonly string[];
  readonly known: readonly string[];
}

const noted = ["I will remember that.", "Good to know!", "Okay, I will keep that in mind.", "Thank you for telling me."];

const traits: readonly Trait[] = [
  {
    key: "name",
    draw: drawName,
    tell: ["My name is {v}.", "I am {v}.", "I'm {v}.", "Hi, I am {v}.", "Hello, my name is {v}.", "Call me {v}.", "You can call me {v}.", "Hi! I'm {v}.", "Hello! {v} here.", "My name's {v}."],
    noted: ["Nice to meet you, {v}!", "Hello, {v}!", "Hello, {v}! How can I help you?", "Pleased to meet you, {v}."],
    ask: ["What is my name?", "Do you know my name?", "Who am I?", "What am I called?", "Can you tell me my name?", "Do you remember my name?", "Say my name.", "What was my name again?"],
    known: ["Your name is {v}.", "You are {v}."],
  },
  {
    key: "colour",
    draw: (scene) => scene.pick(colours),
    tell: ["My favourite colour is {v}.", "I like {v} best of all colours.", "My favorite color is {v}.", "I love the colour {v}.", "The colour that I like most is {v}."],
    noted: ["{V} is a lovely colour.", "{V} is a nice colour.", ...noted],
    ask: ["What is my favourite colour?", "Which colour do I like?", "What colour do I like best?", "Do you remember my favourite colour?", "What is my favorite color?"],
    known: ["Your favourite colour is {v}.", "You like {v} best."],
  },
  {
    key: "food",
    draw: (scene) => scene.pick(meals),
    tell: ["My favourite food is {v}.", "I love {v}.", "I like to eat {v}.", "I like {v} more than any other food.", "For dinner I want {v}."],
    noted: ["{V} sounds tasty!", "Mmm, {v}!", ...noted],
    ask: ["What is my favourite food?", "What do I like to eat?", "Which food do I like?", "What food do I love?", "Do you remember what I like to eat?"],
    known: ["You like {v}.", "Your favourite food is {v}."],
  },
  {
    key: "hobby",
    draw: (scene) => scene.pick(hobbies),
    tell: ["I like {v}.", "My hobby is {v}.", "I enjoy {v}.", "In my free time, I do {v}.", "I am good at {v}."],
    noted: ["{V} is fun!", "{V} is a good hobby.", ...noted],
    ask: ["What is my hobby?", "What do I like to do?", "What do I enjoy?", "What do I do in my free time?"],
    known: ["Your hobby is {v}.", "You like {v}."],
  },
  {
    key: "town",
    draw: (scene) => (scene.chance(60) ? scene.pick(towns) : drawName(scene)),
    tell: ["I live in {v}.", "I am from {v}.", "I come from {v}.", "My home is in {v}.", "I live in a town called {v}."],
    noted: ["{v} must be a nice place.", "I have not been to {v}.", ...noted],
    ask: ["Where do I live?", "Where am I from?", "Which town do I live in?", "What is my home town?", "Do you remember where I live?"],
    known: ["You live in {v}.", "You are from {v}."],
  },
  {
    key: "age",
    draw: (scene) => String(scene.draw(5, 90)),
    tell: ["I am {v} years old.", "I'm {v} years old.", "I am {v}.", "My age is {v}.", "I turned {v} today."],
    noted: ["{v} is a good age.", ...noted],
    ask: ["How old am I?", "What is my age?", "Do you remember how old I am?"],
    known: ["You are {v} years old."],
  },
  {
    key: "job",
    draw: (scene) => scene.pick(jobs),
    tell: ["I am {a v}.", "I work as {a v}.", "My job is {v}.", "I'm {a v}."],
    noted: ["Being {a v} must be interesting.", ...noted],
    ask: ["What is my job?", "What do I work as?", "What do I do for a living?"],
    known: ["You are {a v}."],
  },
  {
    key: "number",
    draw: (scene) => String(scene.draw(1, scene.chance(60) ? 99 : 9999)),
    tell: ["My number is {v}.", "My favourite number is {v}.", "Remember the number {v}.", "Please keep in mind the number {v}.", "My lucky number is {v}."],
    noted: ["I will remember {v}.", ...noted],
    ask: ["What is my number?", "What was the number?", "Which number did I tell you?", "What number should you remember?", "What is my favourite number?"],
    known: ["The number is {v}.", "Your number is {v}."],
  },
  {
    key: "word",
    draw: (scene) => (scene.chance(70) ? scene.pick(things) : drawName(scene).toLowerCase()),
    tell: ["Remember the word {v}.", "The secret word is {v}.", "The password is {v}.", "Keep this word in mind: {v}."],
    noted: ["I will remember the word {v}.", ...noted],
    ask: ["What is the secret word?", "What is the word?", "What was the password?", "Which word did I tell you?", "What word should you remember?"],
    known: ["The word is {v}."],
  },
];

const unknowns = ["You have not told me yet.", "I do not know. You have not told me.", "You did not tell me that."];

function tell(scene: Scene, trait: Trait): void {
  const v = trait.draw(scene);
  const named = trait.key !== "name" && scene.memory.has("name") && scene.chance(10);
  const text = scene.phrase(trait.noted, { v });
  scene.turn(scene.phrase(trait.tell, { v }), {
    kind: "acknowledge",
    text: named ? `${text.replace(/[.!]$/, "")}, ${scene.memory.get("name") ?? ""}!` : text,
    word: "Okay",
    keys: trait.key === "name" && text.includes(v) && !scene.style.short ? [v] : [],
  });
  scene.memory.set(trait.key, v);
}

function ask(scene: Scene, trait: Trait): void {
  const v = scene.memory.get(trait.key);
  const user = scene.phrase(trait.ask);
  if (v === undefined) scene.turn(user, { kind: "unknown", text: scene.phrase(unknowns), word: "Unknown", keys: [scene.style.short ? "Unknown" : "not t"] });
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
  const text = chosen.map((trait, i) => scene.phrase(trait.tell, { v: values[i] ?? "" }).replace(/^(Hi|Hello)[,!] /, "")).join(" ");
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
  const noun = { name: "name", colour: "favourite colour", food: "favourite food", hobby: "hobby", town: "home town", age: "age", job: "job", number: "number", word: "word" }[trait.key] ?? "";
  const my = trait.key === "word" ? "the" : "my";
  scene.turn(
    scene.phrase(["No, {my} {noun} is {v}.", "Sorry, {my} {noun} is {v}.", "That is wrong: {my} {noun} is {v}.", "I made a mistake. {My} {noun} is {v}.", "Actually, {my} {noun} is {v}.", "Correction: {my} {noun} is {v}.", "Not {old}. {My} {noun} is {v}."], { my, noun, v, old: scene.memory.get(trait.key) ?? "" }),
    { kind: "correction", text: scene.phrase(["Sorry! I will remember {v}.", "I see: {v}.", "Okay, {v}.", "Thank you, {v} it is."], { v }), word: v },
  );
  scene.memory.set(trait.key, v);
  if (scene.chance(80)) ask(scene, trait);
}

/** Somebody puts things somewhere, and asks where they are. */
export function putThings(scene: Scene): void {
  const count = scene.draw(1, 3);
  const placed = scene.several(things, count).map((thing) => ({ thing, spot: scene.pick(spots) }));
  const who = scene.pick(["I", "I", "We", drawName(scene)]);
  const sentences = placed.map(({ thing, spot }) => scene.phrase(["{who} put the {thing} {spot}.", "{who} left the {thing} {spot}.", "The {thing} is {spot}.", "{who} hid the {thing} {spot}.", "There is {a thing} {spot}."], { who, thing, spot }));
  scene.turn(sentences.join(" "), { kind: "acknowledge", text: scene.phrase(noted), word: "Okay", keys: [] });
  if (scene.chance(35)) smallDetour(scene);
  for (const { thing, spot } of scene.several(placed, scene.draw(1, placed.length))) {
    if (scene.chance(80)) {
      scene.turn(scene.phrase(["Where is the {thing}?", "Where did I put the {thing}?", "Where can I find the {thing}?", "Do you know where the {thing} is?", "I need the {thing}. Where is it?"], { thing }), { kind: "place of a thing", text: `The ${thing} is ${spot}.`, word: spot });
    } else {
      scene.turn(`What is ${spot}?`, { kind: "place of a thing", text: scene.phrase([`The {thing} is ${spot}.`], { thing: placed.filter((each) => each.spot === spot)[0]?.thing ?? thing }), word: placed.filter((each) => each.spot === spot)[0]?.thing ?? thing });
    }
  }
  const [{ thing, spot } = { thing: "", spot: "" }] = placed;
  if (scene.chance(30)) {
    const next = scene.pick(spots.filter((other) => other !== spot));
    scene.turn(scene.phrase(["Now {mover} moved the {thing}. It is {next}.", "The {thing} is {next} now.", "{who} put the {thing} {next} instead."], { who, mover: who === "We" ? "we" : who, thing, next }), { kind: "acknowledge", text: scene.phrase(noted), word: "Okay", keys: [] });
    scene.turn(`Where is the ${thing}${scene.pick(["", " now"])}?`, { kind: "place of a thing", text: `The ${thing} is ${next}.`, word: next });
  }
}

function smallDetour(scene: Scene): void {
  scene.turn(scene.phrase(["Thanks.", "Good.", "Okay.", "Fine."]), { kind: "small talk", text: scene.phrase(["You are welcome.", "Is there anything else?", "Of course."]), word: "Welcome", keys: [] });
}

/** A pet or a relative with a name. */
export function tellOthers(scene: Scene): void {
  const isPet = scene.chance(50);
  const kind = scene.pick(isPet ? pets : relatives);
  const name = isPet && scene.chance(60) ? scene.pick(petNames) : drawName(scene);
  const words = { kind, name };
  scene.turn(
    isPet
      ? scene.phrase(["I have {a kind} called {name}.", "My {kind} is called {name}.", "My {kind}'s name is {name}.", "I have {a kind}. Its name is {name}.", "We got {a kind} named {name}."], words)
      : scene.phrase(["My {kind} is called {name}.", "My {kind}'s name is {name}.", "I have {a kind} named {name}.", "{name} is my {kind}."], words),
    { kind: "acknowledge", text: scene.phrase(["{name} is a nice name.", "Say hello to {name} from me!", "{name} is a good name for {a kind}.", ...noted], words), word: "Okay", keys: [] },
  );
  if (scene.chance(40)) scene.chance(50) ? tellTrait(scene) : smallDetour(scene);
  if (scene.chance(70)) {
    scene.turn(scene.phrase(["What is my {kind} called?", "What is the name of my {kind}?", "What is my {kind}'s name?", "Do you remember the name of my {kind}?"], words), { kind: "recall", text: scene.phrase(["Your {kind} is called {name}.", "The name of your {kind} is {name}."], words), word: name });
  }
  if (scene.chance(50)) {
    scene.turn(scene.phrase(["Who is {name}?", "Who was {name} again?"], words), { kind: "recall", text: `${name} is your ${kind}.`, word: kind });
  }
}

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
  ["the soup of the day", (scene) => `${scene.pick(["tomato", "potato", "carrot", "mushroom", "bean", "onion"])} soup`],
  ["the winner of the race", drawName],
  ["the doctor", drawName],
];

export function factSentence(subject: string, value: string): string {
  return `${subject.charAt(0).toUpperCase()}${subject.slice(1)} is ${value}.`;
}

export function askFact(scene: Scene, subject: string, value: string): void {
  const question = /^(on|at) /.test(value)
    ? scene.phrase(["{on} is {subject}?", "Can you tell me {when} {subject} is?"], { subject, on: value.startsWith("on floor") ? "Where" : "When", when: value.startsWith("on floor") ? "where" : "when" })
    : scene.phrase(["What is {subject}?", "Can you tell me {subject}?", "Tell me {subject}.", "I need to know {subject}."].map((text) => (/captain|winner|doctor/.test(subject) ? text.replace("What is", "Who is") : text)), { subject });
  scene.turn(question, { kind: "facts of the prompt", text: factSentence(subject, value), word: value });
}

export function tellFacts(scene: Scene): void {
  const facts = scene.several(factSubjects, scene.draw(1, 3)).map(([subject, draw]) => [subject, draw(scene)] as const);
  scene.turn(scene.pick(["", "", "Remember: ", "Note this: ", "Here are some facts. "]) + facts.map(([subject, value]) => factSentence(subject, value)).join(" "), { kind: "acknowledge", text: scene.phrase(noted), word: "Okay", keys: [] });
  for (const [subject, value] of scene.several(facts, scene.draw(1, facts.length))) askFact(scene, subject, value);
}
