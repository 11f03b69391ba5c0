import type { Scene } from "../scene.ts";
import { petNames, pets, relatives } from "../words.ts";
import { drawName } from "./drawName.ts";
import { smallDetour } from "./talk.ts";
import { tellTrait } from "./traitActs.ts";
import { noted } from "./traits.ts";

/** A pet or a relative with a name. */
export function tellOthers(scene: Scene): void {
  const isPet = scene.chance(50);
  const kind = scene.pick(isPet ? pets : relatives);
  const name = isPet && scene.chance(60) ? scene.pick(petNames) : drawName(scene);
  const words = { kind, name };
  scene.turn(
    isPet
      ? scene.phrase(
          [
            "I have {a kind} called {name}.",
            "My {kind} is called {name}.",
            "My {kind}'s name is {name}.",
            "I have {a kind}. Its name is {name}.",
            "We got {a kind} named {name}.",
          ],
          words,
        )
      : scene.phrase(
          [
            "My {kind} is called {name}.",
            "My {kind}'s name is {name}.",
            "I have {a kind} named {name}.",
            "{name} is my {kind}.",
          ],
          words,
        ),
    {
      kind: "acknowledge",
      text: scene.phrase(
        [
          "{name} is a nice name.",
          "Say hello to {name} from me!",
          "{name} is a good name for {a kind}.",
          ...noted,
        ],
        words,
      ),
      word: "Okay",
      keys: [],
    },
  );
  if (scene.chance(40)) (scene.chance(50) ? tellTrait : smallDetour)(scene);
  if (scene.chance(70)) {
    scene.turn(
      scene.phrase(
        [
          "What is my {kind} called?",
          "What is the name of my {kind}?",
          "What is my {kind}'s name?",
          "Do you remember the name of my {kind}?",
        ],
        words,
      ),
      {
        kind: "recall",
        text: scene.phrase(["Your {kind} is called {name}.", "The name of your {kind} is {name}."], words),
        word: name,
      },
    );
  }
  if (scene.chance(50)) {
    scene.turn(scene.phrase(["Who is {name}?", "Who was {name} again?"], words), {
      kind: "recall",
      text: `${name} is your ${kind}.`,
      word: kind,
    });
  }
}
