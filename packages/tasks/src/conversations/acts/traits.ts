import type { Scene } from "../scene.ts";
import { colours, hobbies, jobs, meals, things, towns } from "../words.ts";
import { drawName } from "./drawName.ts";

/** A fact about the user: how he tells it, and asks for it later. */
export interface Trait {
  readonly key: string;
  draw(scene: Scene): string;
  /** `{v}` is the value. */
  readonly tell: readonly string[];
  readonly noted: readonly string[];
  readonly ask: readonly string[];
  readonly known: readonly string[];
}

/** Answers to anything that should be remembered. */
export const noted = [
  "I will remember that.",
  "Good to know!",
  "Okay, I will keep that in mind.",
  "Thank you for telling me.",
];

export const traits: readonly Trait[] = [
  {
    key: "name",
    draw: drawName,
    tell: [
      "My name is {v}.",
      "I am {v}.",
      "I'm {v}.",
      "Hi, I am {v}.",
      "Hello, my name is {v}.",
      "Call me {v}.",
      "You can call me {v}.",
      "Hi! I'm {v}.",
      "Hello! {v} here.",
      "My name's {v}.",
    ],
    noted: [
      "Nice to meet you, {v}!",
      "Hello, {v}!",
      "Hello, {v}! How can I help you?",
      "Pleased to meet you, {v}.",
    ],
    ask: [
      "What is my name?",
      "Do you know my name?",
      "Who am I?",
      "What am I called?",
      "Can you tell me my name?",
      "Do you remember my name?",
      "Say my name.",
      "What was my name again?",
    ],
    known: ["Your name is {v}.", "You are {v}."],
  },
  {
    key: "colour",
    draw: (scene) => scene.pick(colours),
    tell: [
      "My favourite colour is {v}.",
      "I like {v} best of all colours.",
      "My favorite color is {v}.",
      "I love the colour {v}.",
      "The colour that I like most is {v}.",
    ],
    noted: ["{V} is a lovely colour.", "{V} is a nice colour.", ...noted],
    ask: [
      "What is my favourite colour?",
      "Which colour do I like?",
      "What colour do I like best?",
      "Do you remember my favourite colour?",
      "What is my favorite color?",
    ],
    known: ["Your favourite colour is {v}.", "You like {v} best."],
  },
  {
    key: "food",
    draw: (scene) => scene.pick(meals),
    tell: [
      "My favourite food is {v}.",
      "I love {v}.",
      "I like to eat {v}.",
      "I like {v} more than any other food.",
      "For dinner I want {v}.",
    ],
    noted: ["{V} sounds tasty!", "Mmm, {v}!", ...noted],
    ask: [
      "What is my favourite food?",
      "What do I like to eat?",
      "Which food do I like?",
      "What food do I love?",
      "Do you remember what I like to eat?",
    ],
    known: ["You like {v}.", "Your favourite food is {v}."],
  },
  {
    key: "hobby",
    draw: (scene) => scene.pick(hobbies),
    tell: [
      "I like {v}.",
      "My hobby is {v}.",
      "I enjoy {v}.",
      "In my free time, I do {v}.",
      "I am good at {v}.",
    ],
    noted: ["{V} is fun!", "{V} is a good hobby.", ...noted],
    ask: ["What is my hobby?", "What do I like to do?", "What do I enjoy?", "What do I do in my free time?"],
    known: ["Your hobby is {v}.", "You like {v}."],
  },
  {
    key: "town",
    draw: (scene) => (scene.chance(60) ? scene.pick(towns) : drawName(scene)),
    tell: [
      "I live in {v}.",
      "I am from {v}.",
      "I come from {v}.",
      "My home is in {v}.",
      "I live in a town called {v}.",
    ],
    noted: ["{v} must be a nice place.", "I have not been to {v}.", ...noted],
    ask: [
      "Where do I live?",
      "Where am I from?",
      "Which town do I live in?",
      "What is my home town?",
      "Do you remember where I live?",
    ],
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
    tell: [
      "My number is {v}.",
      "My favourite number is {v}.",
      "Remember the number {v}.",
      "Please keep in mind the number {v}.",
      "My lucky number is {v}.",
    ],
    noted: ["I will remember {v}.", ...noted],
    ask: [
      "What is my number?",
      "What was the number?",
      "Which number did I tell you?",
      "What number should you remember?",
      "What is my favourite number?",
    ],
    known: ["The number is {v}.", "Your number is {v}."],
  },
  {
    key: "word",
    draw: (scene) => (scene.chance(70) ? scene.pick(things) : drawName(scene).toLowerCase()),
    tell: [
      "Remember the word {v}.",
      "The secret word is {v}.",
      "The password is {v}.",
      "Keep this word in mind: {v}.",
    ],
    noted: ["I will remember the word {v}.", ...noted],
    ask: [
      "What is the secret word?",
      "What is the word?",
      "What was the password?",
      "Which word did I tell you?",
      "What word should you remember?",
    ],
    known: ["The word is {v}."],
  },
];
