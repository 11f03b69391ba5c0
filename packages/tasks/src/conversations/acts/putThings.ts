import type { Scene } from "../scene.ts";
import { spots, things } from "../words.ts";
import { drawName } from "./drawName.ts";
import { smallDetour } from "./talk.ts";
import { noted } from "./traits.ts";

/** Somebody puts things somewhere, and asks where they are. */
export function putThings(scene: Scene): void {
  const count = scene.draw(1, 3);
  const placed = scene.several(things, count).map((thing) => ({ thing, spot: scene.pick(spots) }));
  const who = scene.pick(["I", "I", "We", drawName(scene)]);
  const sentences = placed.map(({ thing, spot }) =>
    scene.phrase(
      [
        "{who} put the {thing} {spot}.",
        "{who} left the {thing} {spot}.",
        "The {thing} is {spot}.",
        "{who} hid the {thing} {spot}.",
        "There is {a thing} {spot}.",
      ],
      { who, thing, spot },
    ),
  );
  scene.turn(sentences.join(" "), { kind: "acknowledge", text: scene.phrase(noted), word: "Okay", keys: [] });
  if (scene.chance(35)) smallDetour(scene);
  for (const { thing, spot } of scene.several(placed, scene.draw(1, placed.length))) {
    if (scene.chance(80)) {
      scene.turn(
        scene.phrase(
          [
            "Where is the {thing}?",
            "Where did I put the {thing}?",
            "Where can I find the {thing}?",
            "Do you know where the {thing} is?",
            "I need the {thing}. Where is it?",
          ],
          { thing },
        ),
        { kind: "place of a thing", text: `The ${thing} is ${spot}.`, word: spot },
      );
    } else {
      scene.turn(`What is ${spot}?`, {
        kind: "place of a thing",
        text: scene.phrase([`The {thing} is ${spot}.`], {
          thing: placed.filter((each) => each.spot === spot)[0]?.thing ?? thing,
        }),
        word: placed.filter((each) => each.spot === spot)[0]?.thing ?? thing,
      });
    }
  }
  const [{ thing, spot } = { thing: "", spot: "" }] = placed;
  if (scene.chance(30)) {
    const next = scene.pick(spots.filter((other) => other !== spot));
    scene.turn(
      scene.phrase(
        [
          "Now {mover} moved the {thing}. It is {next}.",
          "The {thing} is {next} now.",
          "{who} put the {thing} {next} instead.",
        ],
        { who, mover: who === "We" ? "we" : who, thing, next },
      ),
      { kind: "acknowledge", text: scene.phrase(noted), word: "Okay", keys: [] },
    );
    scene.turn(`Where is the ${thing}${scene.pick(["", " now"])}?`, {
      kind: "place of a thing",
      text: `The ${thing} is ${next}.`,
      word: next,
    });
  }
}
