import { checkWhole, type Draw, draws } from "../draws.ts";
import { belongsTo } from "../heldOut.ts";
import { calculate, compare, count, goOn, wordProblem } from "./numberActs.ts";
import { askAnimal, askColour, askDay, askKind, askOpposite, spell } from "./knowledgeActs.ts";
import { askFact, askTrait, correct, drawName, factSentence, factSubjects, putThings, tellFacts, tellOthers, tellTrait, tellTwo } from "./memoryActs.ts";
import { type Check, type ConversationMessage, Scene } from "./scene.ts";
import { drawStyle, plainStyle } from "./styles.ts";
import { askHelper, askUnknown, greet, nameHelper, repeat, sayGoodbye, smallTalk } from "./talkActs.ts";
import { tellStory } from "./tellStory.ts";
import { askCalculator, askWeather, type ConversationTool, conversationTools } from "./toolActs.ts";
import { askPlace, askResident, askStranger, askVillage, findResident, isIt } from "./villageActs.ts";
import { helperNames } from "./words.ts";

export interface Conversation {
  readonly messages: readonly ConversationMessage[];
  /** The tools that the assistant may call; undefined for none. */
  readonly tools?: readonly ConversationTool[];
  /** The answers that are right or wrong. */
  readonly checks: readonly Check[];
}

type Act = (scene: Scene) => void;

/** What a conversation consists of, with weights. */
const acts: readonly (readonly [act: Act, weight: number])[] = [
  [tellTrait, 12], [askTrait, 10], [tellTwo, 5], [correct, 4], [putThings, 8], [tellOthers, 6], [tellFacts, 4],
  [askResident, 12], [findResident, 7], [isIt, 3], [askPlace, 4], [askVillage, 5], [askStranger, 2],
  [calculate, 9], [goOn, 3], [wordProblem, 3], [count, 4], [compare, 3],
  [askOpposite, 4], [askAnimal, 4], [askColour, 4], [askKind, 4], [spell, 6], [askDay, 6],
  [greet, 3], [smallTalk, 9], [askHelper, 5], [nameHelper, 1], [repeat, 4], [askUnknown, 6], [tellStory, 4],
];

/** Acts that one cannot do in one word. */
const long: readonly Act[] = [tellStory];

function drawAct(scene: Scene, tools: readonly ConversationTool[] | undefined): Act {
  if (tools !== undefined && scene.chance(55)) return scene.chance(50) && tools.length > 1 ? askCalculator : tools[0]?.function.name === "calculate" ? askCalculator : askWeather;
  const own = scene.style.short === true ? acts.filter(([act]) => !long.includes(act)) : acts;
  let left = scene.draw(1, own.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [act, weight] of own) {
    left -= weight;
    if (left <= 0) return act;
  }
  return smallTalk;
}

const defaultName = "Minim";

function drawSystem(draw: Draw): { scene: Scene; system: string; facts: (readonly [string, string])[] } {
  const chance = (percent: number) => draw(1, 100) <= percent;
  const style = chance(30) ? drawStyle(draw) : plainStyle;
  const named = chance(30);
  const probe = new Scene(draw, style, defaultName);
  const helper = named ? (chance(50) ? probe.pick(helperNames) : drawName(probe)) : defaultName;
  const scene = new Scene(draw, style, helper);
  const facts = chance(8) ? scene.several(factSubjects, draw(1, 3)).map(([subject, value]) => [subject, value(scene)] as const) : [];
  const persona = named
    ? scene.phrase(["You are {helper}.", "You are {helper}, a friendly assistant.", "Your name is {helper}.", "You are called {helper}.", "You are a helper named {helper}."], { helper })
    : chance(15) ? scene.pick(["You are a helpful assistant.", "You are a friendly assistant.", "Be friendly."]) : "";
  const system = [persona, scene.pick(style.prompt), ...facts.map(([subject, value]) => factSentence(subject, value))].filter((text) => text !== "");
  return { scene, system: system.join(" "), facts };
}

function converse(draw: Draw): Conversation {
  const { scene, system, facts } = drawSystem(draw);
  const hasTools = scene.chance(9);
  const tools = !hasTools ? undefined : scene.chance(70) ? conversationTools : [scene.pick(conversationTools)];
  if (system !== "") scene.messages.push({ role: "system", content: system });
  const turns = scene.draw(1, 8);
  const count = () => scene.messages.filter(({ role }) => role === "user").length;
  if (scene.chance(25)) greet(scene);
  else if (scene.chance(15)) tellTrait(scene);
  for (const [subject, value] of scene.several(facts, facts.length)) if (scene.chance(70)) askFact(scene, subject, value);
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
