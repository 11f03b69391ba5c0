import type { Scene } from "../scene.ts";
import { type Place, places, residents, village, villageFacts } from "../world.ts";

// Questions about the places of Tumblewick, and the village as a whole.

function placeWords({ name, fact, deed, beside }: Place) {
  return { place: name, fact, deed, beside };
}

export function askPlace(scene: Scene): void {
  let place = scene.pick(places);
  const ask = (first: boolean) => {
    const words = {
      ...placeWords(place),
      it: first ? place.name : "it",
      there: first ? `at ${place.name}` : "there",
    };
    const [user, text, word] = scene.pick([
      [
        ["Where is {it}?", "What is {it} next to?", "How do I find {it}?"],
        "{Place} is next to {beside}.",
        place.beside.replace(/^the /, ""),
      ],
      [["What can I do {there}?", "What can one do {there}?"], "You can {deed} there.", place.deed],
      [
        ["Tell me about {it}.", "What is special about {it}?", "What do you know about {it}?"],
        "{Place} {fact}.",
        place.fact.split(" ").at(-1) ?? "",
      ],
      [["Who lives there?", "Who lives near {place}?"].slice(first ? 1 : 0), "", ""],
    ] as const);
    if (text === "") {
      const noun = place.name.split(" ").at(-1) ?? "";
      const about = residents.find(({ home }) => home.includes(noun));
      if (about === undefined)
        scene.turn(scene.phrase(user, words), {
          kind: "village",
          text: "I think that nobody lives there.",
          word: "Nobody",
        });
      else
        scene.turn(scene.phrase(user, words), {
          kind: "village",
          text: `${about.name} lives ${about.home}.`,
          word: about.name,
        });
    } else
      scene.turn(scene.phrase(user, words), { kind: "village", text: scene.phrase([text], words), word });
  };
  ask(true);
  if (scene.chance(50)) ask(false);
  if (scene.chance(15)) {
    place = scene.pick(places);
    ask(true);
  }
}

export function askVillage(scene: Scene): void {
  if (scene.chance(30)) {
    scene.turn(
      scene.phrase([
        "What is Tumblewick?",
        "Tell me about Tumblewick.",
        "Where is Tumblewick?",
        "Do you know a village?",
        "What do you know about?",
        "Tell me about your village.",
        "Where do you come from?",
        "Where are you from?",
      ]),
      {
        kind: "village",
        text: scene.phrase([
          `${village} is a small village by the river Sill, where ten animals live.`,
          `${village} is a village of animals by the river Sill.`,
        ]),
        word: village,
      },
    );
  }
  if (scene.chance(25)) {
    scene.turn(
      scene.phrase([
        "Who lives in Tumblewick?",
        "Name some animals of Tumblewick.",
        "Who lives there?",
        "Name somebody from the village.",
      ]),
      {
        kind: "village",
        text: scene.phrase([
          "Bramble, Olin, Tansy, Mortimer, Wisp, Dapple, Fennel, Quill, Rowan and Sorrel.",
        ]),
        word: "Bramble",
      },
    );
    return;
  }
  const [ask, text, word] = scene.pick(villageFacts);
  scene.turn(scene.phrase(ask), { kind: "village", text, word });
}
