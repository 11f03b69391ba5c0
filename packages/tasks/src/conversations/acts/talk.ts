import type { Answer, Scene } from "../scene.ts";
import { colours, helperNames, hobbies, meals, pets, things } from "../words.ts";
import { drawName } from "./drawName.ts";
import { remarks } from "./remarks.ts";

// Greetings, small talk, and questions about the assistant.

const talk = (text: string, word: string): Answer => ({ kind: "small talk", text, word, keys: [] });

export function greet(scene: Scene): void {
  const name = scene.memory.get("name");
  const hello = name === undefined ? scene.phrase(["Hello!", "Hi!", "Hello there!"]) : `Hello, ${name}!`;
  const offer = scene.phrase(["How can I help you?", "What can I do for you?", "How are you?", ""]);
  scene.turn(
    scene.phrase([
      "Hi",
      "Hello",
      "Hey",
      "Hi!",
      "Hello!",
      "Hey there!",
      "Good morning!",
      "Good evening.",
      "Hi there",
      "Good day",
      "Hello, are you there?",
      "Greetings!",
      "Hello again!",
      "yo",
    ]),
    talk(`${hello} ${offer}`.trim(), "Hello"),
  );
  if (offer === "How are you?" && !scene.isShort && scene.chance(60)) {
    if (scene.chance(75))
      scene.turn(
        scene.phrase([
          "I am fine.",
          "Fine, thanks.",
          "Good!",
          "I am well, thank you.",
          "Very well.",
          "Great, and you?",
        ]),
        talk(
          scene.phrase([
            "I am glad to hear that.",
            "That is good. How can I help you?",
            "Wonderful! What can I do for you?",
          ]),
          "Good",
        ),
      );
    else
      scene.turn(
        scene.phrase(["Not so good.", "I am sad.", "Bad.", "I am tired.", "Not well."]),
        talk(
          scene.phrase([
            "I am sorry to hear that. Can I cheer you up with a story?",
            "I am sorry. I hope that tomorrow is a better day.",
          ]),
          "Sorry",
        ),
      );
  }
}

export function smallTalk(scene: Scene): void {
  const [said, replies, word] = scene.pick(remarks);
  scene.turn(scene.phrase(said), talk(scene.phrase(replies), word));
}

export function askHelper(scene: Scene): void {
  scene.turn(
    scene.phrase([
      "What is your name?",
      "Who are you?",
      "What are you called?",
      "Do you have a name?",
      "Your name?",
      "What should I call you?",
      "Tell me your name.",
    ]),
    {
      kind: "the assistant's name",
      text: scene.phrase(["My name is {name}.", "I am {name}."], { name: scene.helper }),
      word: scene.helper,
    },
  );
}

/** Gives the assistant another name. */
export function nameHelper(scene: Scene): void {
  const name = scene.chance(50) ? scene.pick(helperNames) : drawName(scene);
  scene.helper = name;
  scene.turn(
    scene.phrase(
      [
        "Your name is {name} now.",
        "I will call you {name}.",
        "From now on you are called {name}.",
        "Your new name is {name}.",
      ],
      { name },
    ),
    {
      kind: "acknowledge",
      text: scene.phrase(["All right, I am {name}.", "Okay, my name is {name} now."], { name }),
      word: name,
    },
  );
  if (scene.chance(60))
    scene.turn(scene.phrase(["What is your name?", "Who are you?", "What are you called?"]), {
      kind: "the assistant's name",
      text: scene.phrase(["My name is {name}."], { name }),
      word: name,
    });
}

export function sayGoodbye(scene: Scene): void {
  const name = scene.memory.get("name");
  scene.turn(
    scene.phrase([
      "Bye",
      "Goodbye!",
      "Bye!",
      "See you!",
      "See you later.",
      "Good night.",
      "I have to go.",
      "Bye bye",
      "Until tomorrow!",
      "That is all.",
    ]),
    talk(
      name !== undefined && scene.chance(60)
        ? `Goodbye, ${name}!`
        : scene.phrase(["Goodbye!", "Goodbye! Have a nice day.", "See you soon!", "Bye! Take care."]),
      "Goodbye",
    ),
  );
}

/** "Say X", "repeat X". */
export function repeat(scene: Scene): void {
  const words = scene
    .several([...things, ...meals, ...colours, ...pets, ...hobbies], scene.draw(1, 3))
    .join(" ");
  scene.turn(
    scene.phrase(
      [
        "Say {words}.",
        "Repeat after me: {words}.",
        "Say the words {words}.",
        "Repeat: {words}",
        "Please say {words}.",
      ],
      { words },
    ),
    { kind: "repeating", text: `${words.charAt(0).toUpperCase()}${words.slice(1)}.`, word: words },
  );
}

/** A word between a fact and the question for it. */
export function smallDetour(scene: Scene): void {
  scene.turn(scene.phrase(["Thanks.", "Good.", "Okay.", "Fine."]), {
    kind: "small talk",
    text: scene.phrase(["You are welcome.", "Is there anything else?", "Of course."]),
    word: "Welcome",
    keys: [],
  });
}
