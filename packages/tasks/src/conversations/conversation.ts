import { checkWhole, type Draw, draws } from "../draws.ts";
import { belongsTo } from "../heldOut.ts";
import { askUnknown } from "./acts/askUnknown.ts";
import { askFact, tellFacts } from "./acts/facts.ts";
import { askAnimal, askColour, askDay, askKind, askOpposite, spell } from "./acts/knowledge.ts";
import { calculate, compare, count, goOn, wordProblem } from "./acts/numbers.ts";
import { putThings } from "./acts/putThings.ts";
import { askResident, askStranger, findResident, isIt } from "./acts/residents.ts";
import { askHelper, greet, nameHelper, repeat, sayGoodbye, smallTalk } from "./acts/talk.ts";
import { tellOthers } from "./acts/tellOthers.ts";
import { tellStory } from "./acts/tellStory.ts";
import { askCalculator, askWeather, type ConversationTool, conversationTools } from "./acts/tools.ts";
import { askTrait, correct, tellTrait, tellTwo } from "./acts/traitActs.ts";
import { askPlace, askVillage } from "./acts/village.ts";
import { drawSystem } from "./drawSystem.ts";
import type { Check, ConversationMessage, Scene } from "./scene.ts";

export interface Conversation {
  readonly messages: readonly ConversationMessage[];
  /** The tools that the assistant may call; undefined for none. */
  readonly tools?: readonly ConversationTool[];
  /** The answers that are right or wrong. */
  readonly checks: readonly Check[];
}

type Act = (scene: Scene) => void;

/** The acts of a conversation, with their weights. */
const acts: readonly (readonly [act: Act, weight: number])[] = [
  [tellTrait, 12],
  [askTrait, 10],
  [tellTwo, 5],
  [correct, 4],
  [putThings, 8],
  [tellOthers, 6],
  [tellFacts, 4],
  [askResident, 12],
  [findResident, 7],
  [isIt, 3],
  [askPlace, 4],
  [askVillage, 5],
  [askStranger, 2],
  [calculate, 9],
  [goOn, 3],
  [wordProblem, 3],
  [count, 4],
  [compare, 3],
  [askOpposite, 4],
  [askAnimal, 4],
  [askColour, 4],
  [askKind, 4],
  [spell, 6],
  [askDay, 6],
  [greet, 3],
  [smallTalk, 9],
  [askHelper, 5],
  [nameHelper, 1],
  [repeat, 4],
  [askUnknown, 6],
  [tellStory, 4],
];

/** Acts that one cannot do in one word. */
const long: readonly Act[] = [tellStory];

function drawAct(scene: Scene, tools: readonly ConversationTool[] | undefined): Act {
  if (tools !== undefined && scene.chance(55))
    return scene.chance(50) && tools.length > 1
      ? askCalculator
      : tools[0]?.function.name === "calculate"
        ? askCalculator
        : askWeather;
  const own = scene.isShort ? acts.filter(([act]) => !long.includes(act)) : acts;
  let left = scene.draw(
    1,
    own.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [act, weight] of own) {
    left -= weight;
    if (left <= 0) return act;
  }
  return smallTalk;
}

function converse(draw: Draw): Conversation {
  const { scene, system, facts } = drawSystem(draw);
  const hasTools = scene.chance(9);
  const tools = !hasTools
    ? undefined
    : scene.chance(70)
      ? conversationTools
      : [scene.pick(conversationTools)];
  if (system !== "") scene.messages.push({ role: "system", content: system });
  const turns = scene.draw(1, 8);
  const count = () => scene.messages.filter(({ role }) => role === "user").length;
  if (scene.chance(25)) greet(scene);
  else if (scene.chance(15)) tellTrait(scene);
  for (const [subject, value] of scene.several(facts, facts.length))
    if (scene.chance(70)) askFact(scene, subject, value);
  while (count() < turns) drawAct(scene, tools)(scene);
  if (scene.chance(12)) sayGoodbye(scene);
  const { messages, checks } = scene;
  return { messages, ...(tools !== undefined && { tools }), checks };
}

/**
 * A made-up conversation of a user with an assistant, of one to about ten turns. Equal arguments give equal conversations, and seeds
 * that differ modulo 4 have none in common, as those of `story`.
 *
 * @param seed a whole number of 32 bits
 * @param index from 0 to 2^52
 * @throws TrainError `CONFIG`
 */
export function conversation(seed: number, index: number): Conversation {
  checkWhole("conversation", "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  checkWhole("conversation", "index", index, 0, 2 ** 52);
  const draw = draws(seed, index);
  for (;;) {
    const found = converse(draw);
    const text = found.messages.map(({ content }) => content).join("\n");
    if (belongsTo(seed, text)) return found;
  }
}
