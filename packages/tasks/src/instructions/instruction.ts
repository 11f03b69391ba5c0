import type { ConversationMessage } from "../conversations/scene.ts";
import { colours, days, meals, pets, things } from "../conversations/words.ts";
import { opposites } from "../conversations/world.ts";
import { checkWhole, type Draw, draws } from "../draws.ts";
import { belongsTo } from "../heldOut.ts";
import { pick } from "../stories/grammar.ts";

/** The eight made-up commands, each with what it takes and what it gives. */
export const commands = {
  zorp: "two numbers: their sum",
  flim: "words: in reverse order",
  dubb: "words: each of them twice",
  krate: "words: each in brackets",
  nug: "words: how many they are",
  morl: "days: the day after each",
  veth: "words: the opposite of each",
  jinx: "a name and a value: a JSON object",
} as const;
export type Command = keyof typeof commands;

export interface Instruction {
  readonly command: Command;
  /** What the user writes, as `flim: red fox`. */
  readonly input: string;
  readonly answer: string;
}

const nouns = [...things, ...pets, ...meals];

function words(draw: Draw, list: readonly string[], min: number, max: number): string[] {
  return Array.from({ length: draw(min, max) }, () => pick(draw, list));
}

const forms: Readonly<Record<Command, (draw: Draw) => readonly [input: string, answer: string]>> = {
  zorp(draw) {
    const a = draw(0, 20);
    const b = draw(0, 20 - a);
    return [`${a} ${b}`, `zorp ${a + b}`];
  },
  flim(draw) {
    const list = words(draw, nouns, 2, 3);
    return [list.join(" "), [...list].reverse().join(" ")];
  },
  dubb(draw) {
    const list = words(draw, nouns, 1, 2);
    return [list.join(" "), list.map((word) => `${word} ${word}`).join(" ")];
  },
  krate(draw) {
    const list = words(draw, nouns, 1, 3);
    return [list.join(" "), list.map((word) => `[${word}]`).join(" ")];
  },
  nug(draw) {
    const list = words(draw, nouns, 1, 6);
    return [list.join(" "), `${list.length} nugs`];
  },
  morl(draw) {
    const list = words(draw, days, 2, 3);
    return [list.join(" "), list.map((day) => days[(days.indexOf(day) + 1) % 7] ?? "").join(", ")];
  },
  veth(draw) {
    // The first of each pair, as the second of one may have another opposite.
    const list = Array.from({ length: draw(2, 3) }, () => pick(draw, opposites));
    return [list.map(([word]) => word).join(" "), list.map(([, opposite]) => opposite).join(", ")];
  },
  jinx(draw) {
    const [name, value] = [pick(draw, nouns), pick(draw, colours)];
    return [`${name} ${value}`, JSON.stringify({ [name]: value })];
  },
};

/**
 * One of eight made-up commands with its arguments, and the only right answer: a small set of instructions that no model knows before it is
 * taught them. Equal arguments give equal instructions, and seeds that differ modulo 4 have none in common.
 *
 * @param seed a whole number of 32 bits
 * @param index from 0 to 2^52; the command is the remainder of it by eight
 * @throws TrainError `CONFIG`
 */
export function instruction(seed: number, index: number): Instruction {
  checkWhole("instruction", "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  checkWhole("instruction", "index", index, 0, 2 ** 52);
  const draw = draws(seed, index);
  const names = Object.keys(commands) as Command[];
  const command = names[index % names.length] ?? "zorp";
  for (;;) {
    const [args, answer] = forms[command](draw);
    const input = `${command}: ${args}`;
    if (belongsTo(seed, input)) return { command, input, answer };
  }
}

/** Some instructions as one conversation, each with its answer. */
export function instructionMessages(instructions: readonly Instruction[]): ConversationMessage[] {
  return instructions.flatMap(({ input, answer }) => [
    { role: "user", content: input },
    { role: "assistant", content: answer },
  ]);
}
