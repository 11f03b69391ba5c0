import type { Scene } from "../scene.ts";
import { drawName } from "./drawName.ts";
import { towns } from "../words.ts";

/** A tool in the form of OpenAI's requests. */
export interface ConversationTool {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description: string;
    readonly parameters: {
      readonly type: "object";
      readonly properties: Readonly<
        Record<string, { readonly type: "string"; readonly description?: string }>
      >;
      readonly required: readonly string[];
    };
  };
}

const tool = (name: string, description: string, parameter: string): ConversationTool => ({
  type: "function",
  function: {
    name,
    description,
    parameters: { type: "object", properties: { [parameter]: { type: "string" } }, required: [parameter] },
  },
});

/** The two tools that the conversations know. */
export const conversationTools: readonly ConversationTool[] = [
  tool("get_weather", "The weather of a place", "place"),
  tool("calculate", "Computes an expression", "expression"),
];

function call(
  scene: Scene,
  user: string,
  name: string,
  args: Readonly<Record<string, string>>,
  result: string,
): void {
  scene.messages.push({ role: "user", content: user });
  const keys = [name, ...Object.values(args)];
  scene.checks.push({ index: scene.messages.length, kind: "tool call", keys });
  scene.messages.push({
    role: "assistant",
    content: "",
    tool_calls: [{ type: "function", function: { name, arguments: args } }],
  });
  scene.messages.push({ role: "tool", content: result });
}

const weathers = ["sunny", "rainy", "cloudy", "windy", "foggy", "snowy", "stormy", "clear"];

export function askWeather(scene: Scene): void {
  const ask = (first: boolean) => {
    const place = scene.chance(50) ? scene.pick(towns) : scene.chance(20) ? "Tumblewick" : drawName(scene);
    const [weather, degrees] = [scene.pick(weathers), scene.draw(-9, 35)];
    const user = first
      ? scene.phrase(
          [
            "What is the weather in {place}?",
            "How is the weather in {place}?",
            "Is it raining in {place}?",
            "Weather in {place}?",
            "Tell me the weather in {place}.",
            "What is the weather like in {place}?",
            "How warm is it in {place}?",
            "Do I need an umbrella in {place}?",
          ],
          { place },
        )
      : scene.phrase(["And in {place}?", "What about {place}?", "And how is it in {place}?"], { place });
    call(scene, user, "get_weather", { place }, JSON.stringify({ weather, degrees }));
    scene.answer({
      kind: "tool result",
      text: scene.phrase(
        [
          "It is {weather} in {place}, {degrees} degrees.",
          "In {place} it is {weather}, with {degrees} degrees.",
        ],
        { weather, place, degrees: String(degrees) },
      ),
      word: `${weather}, ${degrees}`,
      keys: scene.isShort ? [weather] : [weather, String(degrees)],
    });
  };
  ask(true);
  while (scene.chance(35)) ask(false);
}

export function askCalculator(scene: Scene): void {
  const ask = () => {
    const [a, b, op] = [scene.draw(21, 999), scene.draw(2, 999), scene.pick(["+", "-", "*"])];
    const result = op === "+" ? a + b : op === "-" ? a - b : a * b;
    const expression = `${a} ${op} ${b}`;
    const name = { "+": "plus", "-": "minus", "*": "times" }[op] ?? "";
    const user = scene.phrase(
      [
        "What is {expression}?",
        "Calculate {expression}.",
        "{expression}",
        "How much is {expression}?",
        "What is {a} {name} {b}?",
        "{a} {name} {b}?",
      ],
      { expression, a: String(a), b: String(b), name },
    );
    call(scene, user, "calculate", { expression }, String(result));
    scene.answer({ kind: "tool result", text: `${expression} is ${result}.`, word: String(result) });
  };
  ask();
  while (scene.chance(30)) ask();
}
