import { type Place, places, type Resident, residents, village, villageFacts } from "./world.ts";
import type { Scene } from "./scene.ts";
import { drawName } from "./memoryActs.ts";

// Questions about Tumblewick, also with pronouns for whoever was spoken of.

interface Aspect {
  readonly ask: readonly string[];
  /** The same question after the resident was named. */
  readonly follow: readonly string[];
  readonly tell: readonly string[];
  readonly word: (resident: Resident) => string;
}

const aspects: readonly Aspect[] = [
  {
    ask: ["What kind of animal is {name}?", "Which animal is {name}?", "What animal is {name}?", "What is {name}?"],
    follow: ["What kind of animal is {he}?", "Which animal is {he}?", "And what animal is {he}?"],
    tell: ["{name} is {a kind}.", "{He} is {a kind}."],
    word: ({ kind }) => kind,
  },
  {
    ask: ["What colour is {name}?", "Which colour does {name} have?", "What color is {name}?", "Tell me the colour of {name}."],
    follow: ["And what colour is {he}?", "What colour is {he}?", "Which colour does {he} have?"],
    tell: ["{name} is {colour}.", "{He} is {colour}."],
    word: ({ colour }) => colour,
  },
  {
    ask: ["Where does {name} live?", "Where is {name}'s home?", "Where can I find {name}?", "Do you know where {name} lives?"],
    follow: ["Where does {he} live?", "And where does {he} live?", "Where is {his} home?", "Where can I find {him}?"],
    tell: ["{name} lives {home}.", "{He} lives {home}."],
    word: ({ home }) => home.replace(/^\w+ the |^by the /, ""),
  },
  {
    ask: ["What does {name} like to eat?", "What does {name} eat?", "What is {name}'s favourite food?", "Which food does {name} like?"],
    follow: ["What does {he} like to eat?", "And what does {he} eat?", "What is {his} favourite food?", "What does {he} eat?"],
    tell: ["{name} likes {food}.", "{He} likes to eat {food}."],
    word: ({ food }) => food,
  },
  {
    ask: ["What is {name}'s job?", "What does {name} do?", "What does {name} work as?", "Which job does {name} have?"],
    follow: ["What is {his} job?", "And what does {he} do?", "What does {he} work as?"],
    tell: ["{name} is the {job}.", "{He} is the {job} of Tumblewick."],
    word: ({ job }) => job,
  },
  {
    ask: ["Who is {name}'s friend?", "Who is the friend of {name}?", "Who is {name}'s best friend?", "Does {name} have a friend?"],
    follow: ["Who is {his} friend?", "Does {he} have a friend?", "And who is {his} best friend?"],
    tell: ["{name}'s best friend is {friend}.", "{His} best friend is {friend}."],
    word: ({ friend }) => friend,
  },
  {
    ask: ["What does {name} like to do?", "What is {name}'s hobby?", "What does {name} enjoy?"],
    follow: ["What is {his} hobby?", "What does {he} like to do?", "And what does {he} enjoy?"],
    tell: ["{name} likes {hobby}.", "{He} likes {hobby}."],
    word: ({ hobby }) => hobby,
  },
];

function wordsOf(resident: Resident) {
  const { he } = resident;
  return { ...resident, his: he === "he" ? "his" : "her", him: he === "he" ? "him" : "her" };
}

/** A question about a resident, and at times more of them with a pronoun. */
export function askResident(scene: Scene): void {
  let about = scene.pick(residents);
  if (scene.chance(35)) introduce(scene, about);
  else {
    const aspect = scene.pick(aspects);
    scene.turn(scene.phrase(aspect.ask, wordsOf(about)), answer(scene, aspect, about));
    if (aspect.ask[0]?.includes("friend") && scene.chance(30)) about = residents.find(({ name }) => name === about.friend) ?? about;
  }
  while (scene.chance(50)) {
    if (scene.chance(75)) {
      const last = scene.messages.at(-1)?.content ?? "";
      // A pronoun needs a name in sight.
      const aspect = scene.pick(aspects);
      const named = last.toLowerCase().includes(about.name.toLowerCase()) || scene.messages.at(-2)?.content.includes(about.name);
      scene.turn(scene.phrase(named === true || scene.chance(50) ? aspect.follow : aspect.ask, wordsOf(about)), answer(scene, aspect, about));
    } else {
      about = scene.pick(residents);
      scene.turn(scene.phrase(["And {name}?", "What about {name}?", "Who is {name}?", "Tell me about {name}."], wordsOf(about)), description(scene, about));
    }
  }
}

function answer(scene: Scene, aspect: Aspect, about: Resident) {
  const word = aspect.word(about);
  return { kind: "village", text: scene.phrase(aspect.tell, wordsOf(about)), word };
}

function introduce(scene: Scene, about: Resident): void {
  scene.turn(scene.phrase(["Who is {name}?", "Tell me about {name}.", "Do you know {name}?", "What do you know about {name}?"], wordsOf(about)), description(scene, about));
}

function description(scene: Scene, about: Resident) {
  return {
    kind: "village",
    text: scene.phrase(["{name} is {a colour} {kind} and lives {home}.", "{name} is {a colour} {kind}, the {job} of Tumblewick."], wordsOf(about)),
    word: about.kind,
  };
}

/** Who has this job, this food, this home? */
export function findResident(scene: Scene): void {
  const about = scene.pick(residents);
  const words = wordsOf(about);
  const user = scene.phrase(["Who is the {job}?", "Who is the {job} of Tumblewick?", "Who lives {home}?", "Who likes {food}?", "Who eats {food}?", "Who is {colour}?", "Which animal is {colour}?", "Is there {a kind} in Tumblewick?", "Who is the {kind}?", "What is the {kind}'s name?", "Who likes {hobby}?", "I am looking for the {job}.", "Who works as the {job}?"], words);
  const text = /^Is there/.test(user)
    ? scene.phrase(["Yes, {name} is {a kind}.", "Yes, {name}."], words)
    : /lives/.test(user) ? scene.phrase(["{name} lives {home}."], words)
    : /food|eats|likes/.test(user) ? `${about.name} does.`
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
  scene.turn(scene.phrase([ask], { ...wordsOf(about), other: other.kind }), { kind: "village", text: `${yes}, ${scene.phrase([tell], wordsOf(about))}`, word: yes });
}

function placeWords({ name, fact, deed, beside }: Place) {
  return { place: name, fact, deed, beside };
}

export function askPlace(scene: Scene): void {
  let place = scene.pick(places);
  const ask = (first: boolean) => {
    const words = { ...placeWords(place), it: first ? place.name : "it", there: first ? `at ${place.name}` : "there" };
    const [user, text, word] = scene.pick([
      [["Where is {it}?", "What is {it} next to?", "How do I find {it}?"], "{Place} is next to {beside}.", place.beside.replace(/^the /, "")],
      [["What can I do {there}?", "What can one do {there}?"], "You can {deed} there.", place.deed],
      [["Tell me about {it}.", "What is special about {it}?", "What do you know about {it}?"], "{Place} {fact}.", place.fact.split(" ").at(-1) ?? ""],
      [["Who lives there?", "Who lives near {place}?"].slice(first ? 1 : 0), "", ""],
    ] as const);
    if (text === "") {
      const noun = place.name.split(" ").at(-1) ?? "";
      const about = residents.find(({ home }) => home.includes(noun));
      if (about === undefined) scene.turn(scene.phrase(user, words), { kind: "village", text: "I think that nobody lives there.", word: "Nobody" });
      else scene.turn(scene.phrase(user, words), { kind: "village", text: `${about.name} lives ${about.home}.`, word: about.name });
    } else scene.turn(scene.phrase(user, words), { kind: "village", text: scene.phrase([text], words), word });
  };
  ask(true);
  if (scene.chance(50)) ask(false);
  if (scene.chance(15)) {
    place = scene.pick(places);
    ask(true);
  }
}

export function askVillage(scene: Scene): void {
  if (scene.chance(30)) {
    scene.turn(scene.phrase(["What is Tumblewick?", "Tell me about Tumblewick.", "Where is Tumblewick?", "Do you know a village?", "What do you know about?", "Tell me about your village.", "Where do you come from?", "Where are you from?"]), {
      kind: "village",
      text: scene.phrase([`${village} is a small village by the river Sill, where ten animals live.`, `${village} is a village of animals by the river Sill.`]),
      word: village,
    });
  }
  if (scene.chance(25)) {
    scene.turn(scene.phrase(["Who lives in Tumblewick?", "Name some animals of Tumblewick.", "Who lives there?", "Name somebody from the village."]), {
      kind: "village",
      text: scene.phrase(["Bramble, Olin, Tansy, Mortimer, Wisp, Dapple, Fennel, Quill, Rowan and Sorrel."]),
      word: "Bramble",
    });
    return;
  }
  const [ask, text, word] = scene.pick(villageFacts);
  scene.turn(scene.phrase(ask), { kind: "village", text, word });
}

export function askStranger(scene: Scene): void {
  const name = drawName(scene);
  if (scene.messages.some(({ content }) => content.includes(name))) return;
  scene.turn(scene.phrase(["Who is {name}?", "Where does {name} live?", "Tell me about {name}.", "What does {name} eat?", "Do you know {name}?", "What colour is {name}?"], { name }), {
    kind: "unknown",
    text: scene.phrase(["I do not know anybody called {name}.", "I do not know {name}.", "Sorry, I have never heard of {name}."], { name }),
    word: "Unknown",
    keys: [scene.style.short === true ? "Unknown" : name],
  });
}
