import type { Resident } from "../world.ts";

/** A property of the residents, and how it is asked for. */
export interface Aspect {
  readonly ask: readonly string[];
  /** The same question after the resident was named. */
  readonly follow: readonly string[];
  readonly tell: readonly string[];
  readonly word: (resident: Resident) => string;
}

export const aspects: readonly Aspect[] = [
  {
    ask: [
      "What kind of animal is {name}?",
      "Which animal is {name}?",
      "What animal is {name}?",
      "What is {name}?",
    ],
    follow: ["What kind of animal is {he}?", "Which animal is {he}?", "And what animal is {he}?"],
    tell: ["{name} is {a kind}.", "{He} is {a kind}."],
    word: ({ kind }) => kind,
  },
  {
    ask: [
      "What colour is {name}?",
      "Which colour does {name} have?",
      "What color is {name}?",
      "Tell me the colour of {name}.",
    ],
    follow: ["And what colour is {he}?", "What colour is {he}?", "Which colour does {he} have?"],
    tell: ["{name} is {colour}.", "{He} is {colour}."],
    word: ({ colour }) => colour,
  },
  {
    ask: [
      "Where does {name} live?",
      "Where is {name}'s home?",
      "Where can I find {name}?",
      "Do you know where {name} lives?",
    ],
    follow: [
      "Where does {he} live?",
      "And where does {he} live?",
      "Where is {his} home?",
      "Where can I find {him}?",
    ],
    tell: ["{name} lives {home}.", "{He} lives {home}."],
    word: ({ home }) => home.replace(/^\w+ the |^by the /, ""),
  },
  {
    ask: [
      "What does {name} like to eat?",
      "What does {name} eat?",
      "What is {name}'s favourite food?",
      "Which food does {name} like?",
    ],
    follow: [
      "What does {he} like to eat?",
      "And what does {he} eat?",
      "What is {his} favourite food?",
      "What does {he} eat?",
    ],
    tell: ["{name} likes {food}.", "{He} likes to eat {food}."],
    word: ({ food }) => food,
  },
  {
    ask: [
      "What is {name}'s job?",
      "What does {name} do?",
      "What does {name} work as?",
      "Which job does {name} have?",
    ],
    follow: ["What is {his} job?", "And what does {he} do?", "What does {he} work as?"],
    tell: ["{name} is the {job}.", "{He} is the {job} of Tumblewick."],
    word: ({ job }) => job,
  },
  {
    ask: [
      "Who is {name}'s friend?",
      "Who is the friend of {name}?",
      "Who is {name}'s best friend?",
      "Does {name} have a friend?",
    ],
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

/** The words of the templates for a resident. */
export function wordsOf(resident: Resident) {
  const { he } = resident;
  return { ...resident, his: he === "he" ? "his" : "her", him: he === "he" ? "him" : "her" };
}
