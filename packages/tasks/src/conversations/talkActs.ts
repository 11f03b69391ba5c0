import { village } from "./world.ts";
import { drawName } from "./memoryActs.ts";
import type { Answer, Scene } from "./scene.ts";
import { colours, helperNames, hobbies, jobs, meals, pets, things, towns } from "./words.ts";

// Greetings, small talk, questions about the assistant, and what it does not know.

const talk = (text: string, word: string): Answer => ({ kind: "small talk", text, word, keys: [] });

export function greet(scene: Scene): void {
  const name = scene.memory.get("name");
  const hello = name === undefined ? scene.phrase(["Hello!", "Hi!", "Hello there!"]) : `Hello, ${name}!`;
  const offer = scene.phrase(["How can I help you?", "What can I do for you?", "How are you?", ""]);
  scene.turn(scene.phrase(["Hi", "Hello", "Hey", "Hi!", "Hello!", "Hey there!", "Good morning!", "Good evening.", "Hi there", "Good day", "Hello, are you there?", "Greetings!", "Hello again!", "yo"]), talk(`${hello} ${offer}`.trim(), "Hello"));
  if (offer === "How are you?" && scene.style.short !== true && scene.chance(60)) {
    scene.chance(75)
      ? scene.turn(scene.phrase(["I am fine.", "Fine, thanks.", "Good!", "I am well, thank you.", "Very well.", "Great, and you?"]), talk(scene.phrase(["I am glad to hear that.", "That is good. How can I help you?", "Wonderful! What can I do for you?"]), "Good"))
      : scene.turn(scene.phrase(["Not so good.", "I am sad.", "Bad.", "I am tired.", "Not well."]), talk(scene.phrase(["I am sorry to hear that. Can I cheer you up with a story?", "I am sorry. I hope that tomorrow is a better day."]), "Sorry"));
  }
}

const remarks: readonly (readonly [said: readonly string[], replies: readonly string[], word: string])[] = [
  [["How are you?", "How are you doing?", "How do you do?", "How is it going?", "Are you well?", "How are you today?"], ["I am fine, thank you. And you?", "I am well, thank you.", "Very well, thank you!"], "Fine"],
  [["Thank you.", "Thanks!", "Thank you very much.", "Thanks a lot.", "Great, thanks.", "Many thanks!"], ["You are welcome!", "You are welcome.", "My pleasure."], "Welcome"],
  [["Are you a robot?", "Are you human?", "Are you real?", "What are you?", "Are you a person?", "Are you an AI?"], ["I am a small language model.", "I am a very small language model, not a human."], "Model"],
  [["What can you do?", "How can you help me?", "What do you know?", "Help", "What can I ask you?", "What are you good at?"], [`I can talk a little, remember what you tell me, add small numbers, spell words, and tell you about ${village}.`], "Talk"],
  [["I am sad.", "I am unhappy.", "I feel bad today.", "I had a bad day."], ["I am sorry to hear that. Shall I tell you a story?", "I am sorry. I hope that you feel better soon."], "Sorry"],
  [["I am happy!", "I am very happy today.", "I had a good day.", "What a great day!"], ["That is wonderful!", "I am glad to hear that."], "Wonderful"],
  [["I am bored.", "This is boring.", "I have nothing to do."], ["Shall I tell you a story?", "You could ask me about Tumblewick."], "Story"],
  [["I am hungry.", "I want to eat something.", "I need food."], ["Tansy bakes good honey cake in Tumblewick.", "You should eat something nice."], "Eat"],
  [["I am tired.", "I am sleepy.", "I need sleep."], ["Then you should rest a little.", "Have a good rest."], "Rest"],
  [["You are funny.", "You are nice.", "You are great!", "I like you.", "Well done!", "Good job!", "Good bot.", "You are smart."], ["Thank you! That is kind of you.", "Thank you very much!"], "Thanks"],
  [["You are stupid.", "You are wrong.", "That is not right.", "I do not like you.", "You are bad."], ["I am sorry. I am a small model and make mistakes.", "I am sorry. I will try to do better."], "Sorry"],
  [["Do you like music?", "Do you sing?", "Do you like to read?", "Do you eat?", "Do you sleep?", "Do you have friends?", "Do you dream?", "Do you have feelings?", "Can you see me?", "Do you love me?"], ["I am only a model, so I do not.", "No, I am only a small model."], "No"],
  [["Tell me a joke.", "Do you know a joke?", "Make me laugh.", "Say something funny."], ["Why does the owl go to school? Because it gives a hoot!", "What do you call a bear without teeth? A gummy bear!", "Why did the frog take the bus? Its car was toad away."], "Joke"],
  [["Who made you?", "Who trained you?", "Where do you come from as a model?", "Who built you?"], ["I was trained on made-up conversations.", "A small recipe made me, from made-up conversations."], "Recipe"],
  [["What is your favourite colour?", "Which colour do you like?", "What is your favorite color?"], ["I like green, like Fennel the frog.", "Green, I think."], "Green"],
  [["Yes", "Yes.", "Yes, please.", "Sure.", "Okay", "ok"], ["Good. What would you like to know?", "Fine. What can I do for you?"], "Good"],
  [["No", "No.", "No, thank you.", "Not now.", "Nothing."], ["All right.", "Okay. I am here when you need me."], "Okay"],
];

export function smallTalk(scene: Scene): void {
  const [said, replies, word] = scene.pick(remarks);
  scene.turn(scene.phrase(said), talk(scene.phrase(replies), word));
}

export function askHelper(scene: Scene): void {
  scene.turn(
    scene.phrase(["What is your name?", "Who are you?", "What are you called?", "Do you have a name?", "Your name?", "What should I call you?", "Tell me your name."]),
    { kind: "the assistant's name", text: scene.phrase(["My name is {name}.", "I am {name}."], { name: scene.helper }), word: scene.helper },
  );
}

/** Gives the assistant another name. */
export function nameHelper(scene: Scene): void {
  const name = scene.chance(50) ? scene.pick(helperNames) : drawName(scene);
  scene.helper = name;
  scene.turn(scene.phrase(["Your name is {name} now.", "I will call you {name}.", "From now on you are called {name}.", "Your new name is {name}."], { name }), { kind: "acknowledge", text: scene.phrase(["All right, I am {name}.", "Okay, my name is {name} now."], { name }), word: name });
  if (scene.chance(60)) scene.turn(scene.phrase(["What is your name?", "Who are you?", "What are you called?"]), { kind: "the assistant's name", text: scene.phrase(["My name is {name}."], { name }), word: name });
}

export function sayGoodbye(scene: Scene): void {
  const name = scene.memory.get("name");
  scene.turn(scene.phrase(["Bye", "Goodbye!", "Bye!", "See you!", "See you later.", "Good night.", "I have to go.", "Bye bye", "Until tomorrow!", "That is all."]), talk(name !== undefined && scene.chance(60) ? `Goodbye, ${name}!` : scene.phrase(["Goodbye!", "Goodbye! Have a nice day.", "See you soon!", "Bye! Take care."]), "Goodbye"));
}

/** "Say X", "repeat X". */
export function repeat(scene: Scene): void {
  const words = scene.several([...things, ...meals, ...colours, ...pets, ...hobbies], scene.draw(1, 3)).join(" ");
  scene.turn(scene.phrase(["Say {words}.", "Repeat after me: {words}.", "Say the words {words}.", "Repeat: {words}", "Please say {words}."], { words }), { kind: "repeating", text: `${words.charAt(0).toUpperCase()}${words.slice(1)}.`, word: words });
}

const places = ["France", "Japan", "Brazil", "Egypt", "Canada", "India", "Spain", "Kenya", "Peru", "Norway", "China", "Italy", "Mexico", "Germany", "Africa", "London", "Paris", "America", "Rome"];
const subjects = ["football", "physics", "history", "music", "chemistry", "gravity", "economics", "computers", "the internet", "philosophy", "politics", "electricity", "biology", "planets", "atoms", "dinosaurs", "rockets", "medicine", "art", "law"];

/** Questions that a small model cannot know the answer to. */
export function askUnknown(scene: Scene): void {
  const words = { country: scene.pick([...places, ...towns]), subject: scene.pick(subjects), thing: scene.pick(things), job: scene.pick(jobs), meal: scene.pick(meals), number: String(scene.draw(1500, 2030)) };
  scene.turn(
    scene.phrase([
      "What is the capital of {country}?", "Who is the president of {country}?", "Who is the king of {country}?", "How far is {country}?", "How many people live in {country}?", "Who invented the {thing}?", "How does a {thing} work?", "Explain {subject}.", "What is {subject}?", "Tell me about {subject}.", "Who won the game in {number}?", "What happened in {number}?", "How much does a {thing} cost?", "How do I cook {meal}?", "Who wrote the first book about {subject}?", "What is the meaning of life?", "Who is the best {job} in the world?", "Where is {country}?", "What do you know about {country}?", "What time is it?", "What will the future bring?", "Write a poem about {subject}.", "Write a program.", "Translate {thing} into French.", "What is the news?", "How old is the {job}?", "Why is there {subject}?", "When was the {thing} invented?", "Which {thing} should I buy?", "What is the distance to the moon?", "Can you teach me {subject}?", "Tell me about {country}.", "Who discovered {subject}?",
    ], words),
    { kind: "unknown", text: scene.phrase(["I am sorry, I do not know that.", "Sorry, I do not know. I am only a small model.", "I do not know that, sorry."]), word: "Unknown", keys: [scene.style.short === true ? "Unknown" : "not know"] },
  );
}
