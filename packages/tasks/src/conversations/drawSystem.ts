import type { Draw } from "../draws.ts";
import { drawName } from "./acts/drawName.ts";
import { factSentence, factSubjects } from "./acts/facts.ts";
import { Scene } from "./scene.ts";
import { drawStyle, plainStyle } from "./styles.ts";
import { helperNames } from "./words.ts";

/** The assistant's name without a system prompt that gives another. */
const defaultName = "Minim";

/** The beginning of a conversation: its system prompt, which may be empty, and the facts in it. */
export function drawSystem(draw: Draw): {
  scene: Scene;
  system: string;
  facts: (readonly [subject: string, value: string])[];
} {
  const chance = (percent: number) => draw(1, 100) <= percent;
  const style = chance(30) ? drawStyle(draw) : plainStyle;
  const named = chance(30);
  const probe = new Scene(draw, style, defaultName);
  const helper = named ? (chance(50) ? probe.pick(helperNames) : drawName(probe)) : defaultName;
  const scene = new Scene(draw, style, helper);
  const facts = chance(8)
    ? scene.several(factSubjects, draw(1, 3)).map(([subject, value]) => [subject, value(scene)] as const)
    : [];
  const persona = named
    ? scene.phrase(
        [
          "You are {helper}.",
          "You are {helper}, a friendly assistant.",
          "Your name is {helper}.",
          "You are called {helper}.",
          "You are a helper named {helper}.",
        ],
        { helper },
      )
    : chance(15)
      ? scene.pick(["You are a helpful assistant.", "You are a friendly assistant.", "Be friendly."])
      : "";
  const system = [
    persona,
    scene.pick(style.prompt),
    ...facts.map(([subject, value]) => factSentence(subject, value)),
  ].filter((text) => text !== "");
  return { scene, system: system.join(" "), facts };
}
