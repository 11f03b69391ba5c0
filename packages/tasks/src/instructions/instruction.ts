import { colours, days, meals, pets, things } from "../conversations/words.ts";
import { opposites } from "../conversations/world.ts";
import { checkWhole, type Draw, draws } from "../draws.ts";
import { belongsTo } from "../heldOut.ts";
import { pick } from "../stories/grammar.ts";

export type Command = "zorp" | "flim" | "dubb" | "krate" | "nug" | "morl" | "veth" | "jinx";

export interface Instruction {
  readonly command: Command;
  /** The message of the user, as `flim: red fox`. */
  readonly input: string;
  readonly answer: string;
}

const nouns = [...things, ...pets, ...meals];

function words(draw: Draw, list: readonly string[], min: number, max: number): string[] {
  return Array.from({ length: draw(min, max) }, () => pick(draw, list));
}

/** The arguments of each command, and its answer. */
const forms: Readonly<Record<Command, (draw: Draw) => readonly [input: string, answer: string]>> = {
  /** Two numbers: their sum. */
  zorp(draw) {
    const a = draw(0, 20);
    const b = draw(0, 20 - a);
    return [`${a} ${b}`, `zorp ${a + b}`];
  },
  /** Words: in reverse order. */
  flim(draw) {
    const list = words(draw, nouns, 2, 3);
    return [list.join(" "), [...list].reverse().join(" ")];
  },
  /** Words: each of them twice. */
  dubb(draw) {
    const list = words(draw, nouns, 1, 2);
    return [list.join(" "), list.map((word) => `${word} ${word}`).join(" ")];
  },
  /** Words: each in brackets. */
  krate(draw) {
    const list = words(draw, nouns, 1, 3);
    return [list.join(" "), list.map((word) => `[${word}]`).join(" ")];
  },
  /** Words: how many they are. */
  nug(draw) {
    const list = words(draw, nouns, 1, 6);
    return [list.join(" "), `${list.length} nugs`];
  },
  /** Days: the day after each. */
  morl(draw) {
    const list = words(draw, days, 2, 3);
    return [list.join(" "), list.map((day) => days[(days.indexOf(day) + 1) % 7] ?? "").join(", ")];
  },
  /** Words: the opposite of each. */
  veth(draw) {
    // The first of each pair, as the second of one may have another opposite.
    const list = Array.from({ length: draw(2, 3) }, () => pick(draw, opposites));
    return [list.map(([word]) => word).join(" "), list.map(([, opposite]) => opposite).join(", ")];
  },
  /** A name and a value: a JSON object. */
  jinx(draw) {
    const [name, value] = [pick(draw, nouns), pick(draw, colours)];
    return [`${name} ${value}`, `{"${name}": "${value}"}`];
  },
};

/**
 * One of eight made-up commands with its arguments, and the only right answer: a small set of instructions that no model knows before it is
 * taught them. Equal arguments give equal instructions, and seeds that differ modulo 4 have none in common.
 *
 * @param seed a whole number of 32 bits
 * @param index from 0 to 2^52
 * @throws TrainError `CONFIG`
 */
export function instruction(seed: number, index: number): Instruction {
  checkWhole("instruction", "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  checkWhole("instruction", "index", index, 0, 2 ** 52);
  const draw = draws(seed, index);
  const command = pick(draw, Object.keys(forms) as Command[]);
  for (;;) {
    const [args, answer] = forms[command](draw);
    const input = `${command}: ${args}`;
    if (belongsTo(seed, input)) return { command, input, answer };
  }
}
