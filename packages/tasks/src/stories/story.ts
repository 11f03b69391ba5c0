import { checkWhole, type Draw, draws } from "../draws.ts";
import { drawCast } from "./cast.ts";
import { belongsTo } from "../heldOut.ts";
import { fill, pick, type Plot } from "./grammar.ts";
import { noise, promise, rescue, skill } from "./plotsOfDeeds.ts";
import { gift, hunt, lost, trade } from "./plotsOfThings.ts";

const plots: readonly Plot[] = [lost, trade, gift, hunt, rescue, promise, skill, noise];

const openings = [
  "Once upon a time there was {a trait} {kind} named {hero}.",
  "There once was {a kind} called {hero}. Everybody said that {hero} was {trait}.",
  "{Hero} was {a trait} {kind}.",
  "In a house not far from {place}, there lived {a kind} named {hero}. {He} was {trait}.",
  "This is the story of {hero}, {a trait} {kind}.",
];

const endings = ["", "", "The end.", "And that was a good day.", "Then everybody went to bed."];

/**
 * A story of 100 to 200 English words in one line of ASCII: someone wants something, meets an obstacle, tries, and reaches
 * an end that mentions names, things and places from the beginning. Equal arguments give equal text.
 *
 * A story is accepted only for seeds whose remainder by 4 equals the hash of its text modulo 4. Stories held out under
 * seed 1 are therefore never among those of seed 0 (or 4, or 8), by construction and not by chance.
 *
 * @param seed a whole number of 32 bits
 * @param index from 0 to 2^52
 * @throws TrainError `CONFIG`
 */
export function story(seed: number, index: number): string {
  checkWhole("stories", "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  checkWhole("stories", "index", index, 0, 2 ** 52);
  // Two random streams per story: one stream has 2^32 starting points, and among that many stories two would soon be equal.
  const cast = draws(seed, 2 * index);
  const words = draws(seed, 2 * index + 1);
  for (;;) {
    const text = tell(cast, words);
    if (belongsTo(seed, text)) return text;
  }
}

function tell(castDraw: Draw, wordsDraw: Draw): string {
  const cast = drawCast(castDraw);
  const plot = pick(castDraw, plots);
  return [openings, ...plot, endings]
    .map((templates) => fill(pick(wordsDraw, templates), cast))
    .filter((sentence) => sentence !== "")
    .join(" ");
}
