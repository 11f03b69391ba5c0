import type { Scene } from "../scene.ts";
import { givenNames } from "../words.ts";

const consonants = "b d f g h j k l m n p r s t v w z br st tr sh kr fl".split(" ");
const vowels = "a e i o u ai ee ou".split(" ");

/** A name that most likely occurs nowhere else, so that names must be copied and cannot be learned by heart. */
export function drawName(scene: Scene): string {
  if (scene.chance(60)) return scene.pick(givenNames);
  const syllable = () => scene.pick(consonants) + scene.pick(vowels);
  const text =
    syllable() + (scene.chance(60) ? syllable() : "") + scene.pick(["n", "l", "r", "s", "k", "", "m", "t"]);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
