import { pick } from "../stories/grammar.ts";
import type { Draw } from "../draws.ts";
import type { Answer, Style } from "./scene.ts";
import { phrases } from "./words.ts";

const plain = ({ text }: Answer) => text;

/** The style of a conversation whose system prompt asks for none. */
export const plainStyle: Style = { prompt: [""], apply: plain, keys: [] };

const short: Style = {
  prompt: [
    "Answer in one word.",
    "Answer with one word only.",
    "Reply in a single word.",
    "Use only one word for each answer.",
    "Give one-word answers.",
    "Be as short as possible: one word.",
  ],
  short: true,
  apply: ({ word = "" }) => word.charAt(0).toUpperCase() + word.slice(1),
  keys: [],
};

const capitals: Style = {
  prompt: [
    "Answer in capital letters.",
    "Write everything in capitals.",
    "ALWAYS ANSWER IN CAPITAL LETTERS.",
    "Use upper case only.",
    "Shout: use capital letters.",
  ],
  letters: "upper",
  apply: ({ text }) => text.toUpperCase(),
  keys: [],
};

const lower: Style = {
  prompt: [
    "Answer in lower case.",
    "Use small letters only.",
    "Never use capital letters.",
    "Write everything in lower case.",
  ],
  letters: "lower",
  apply: ({ text }) => text.toLowerCase(),
  keys: [],
};

const pirate: Style = {
  prompt: [
    "You are a pirate.",
    "Talk like a pirate.",
    "Answer as a pirate would.",
    "You are an old pirate of the seven seas.",
  ],
  apply: ({ text }) =>
    `Arr! ${text
      .replace(/\bmy\b/g, "me")
      .replace(/\byou\b/g, "ye")
      .replace(/\byour\b/g, "yer")}`.replace(/[.!]$/, ", matey!"),
  keys: ["Arr!"],
};

function ending(draw: Draw): Style {
  const phrase = pick(draw, phrases);
  return {
    prompt: [
      `End each answer with the word ${phrase}.`,
      `Always end your answer with "${phrase}".`,
      `After every answer, say ${phrase}.`,
      `The last word of each answer must be ${phrase}.`,
    ],
    apply: ({ text }) => `${text} ${phrase.charAt(0).toUpperCase()}${phrase.slice(1)}!`,
    keys: [phrase],
  };
}

function beginning(draw: Draw): Style {
  const phrase = pick(draw, phrases);
  return {
    prompt: [
      `Begin each answer with the word ${phrase}.`,
      `Always start your answer with "${phrase}".`,
      `Before every answer, say ${phrase}.`,
      `The first word of each answer must be ${phrase}.`,
    ],
    apply: ({ text }) => `${phrase.charAt(0).toUpperCase()}${phrase.slice(1)}! ${text}`,
    keys: [phrase],
  };
}

const styles: readonly ((draw: Draw) => Style)[] = [
  () => short,
  () => short,
  () => capitals,
  () => capitals,
  () => lower,
  () => pirate,
  () => pirate,
  ending,
  beginning,
];

export function drawStyle(draw: Draw): Style {
  return pick(draw, styles)(draw);
}
