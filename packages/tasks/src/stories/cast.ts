import type { Draw } from "../draws.ts";
import { pick, type Words } from "./grammar.ts";
import * as lexicon from "./lexicon.ts";

const she = { he: "she", him: "her", his: "her" };
const he = { he: "he", him: "him", his: "his" };

/** Draws the people and things of a story. Hero and friend have different genders, so that pronouns are unambiguous. */
export function drawCast(draw: Draw): Words {
  const heroIsGirl = draw(0, 1) === 1;
  const someone = (isGirl: boolean) => ({
    name: pick(draw, isGirl ? lexicon.girls : lexicon.boys),
    kind: draw(0, 1) === 1 ? pick(draw, lexicon.animals) : isGirl ? "girl" : "boy",
    pronouns: isGirl ? she : he,
  });
  const hero = someone(heroIsGirl);
  const friend = someone(!heroIsGirl);
  const [trait, ftrait] = two(draw, lexicon.traits);
  const [colour, colour2] = two(draw, lexicon.colours);
  const [thing, thing2] = two(draw, lexicon.things);
  const [[place, at], [place2, at2]] = two(draw, lexicon.places);
  const [spot, spot2] = two(draw, lexicon.spots);
  const [verb, doing] = pick(draw, lexicon.skills);
  return {
    hero: hero.name,
    kind: hero.kind,
    ...hero.pronouns,
    friend: friend.name,
    fkind: friend.kind,
    fintro: lexicon.animals.includes(friend.kind)
      ? `${friend.name} the ${friend.kind}`
      : `young ${friend.name}`,
    fhe: friend.pronouns.he,
    trait,
    ftrait,
    colour,
    thing,
    item: `${colour} ${thing}`,
    colour2,
    thing2,
    item2: `${colour2} ${thing2}`,
    place,
    at,
    place2,
    at2,
    spot,
    spot2,
    verb,
    doing,
    creature: pick(draw, lexicon.creatures),
    food: pick(draw, lexicon.foods),
    parent: pick(draw, lexicon.parents),
    time: pick(draw, lexicon.times),
    sad: pick(draw, lexicon.sad),
    happy: pick(draw, lexicon.happy),
    went: pick(draw, lexicon.went),
    size: pick(draw, lexicon.sizes),
  };
}

/** Draws two different elements. */
function two<T>(draw: Draw, list: readonly T[]): [T, T] {
  const first = draw(0, list.length - 1);
  const step = draw(1, list.length - 1);
  return [list[first] as T, list[(first + step) % list.length] as T];
}
