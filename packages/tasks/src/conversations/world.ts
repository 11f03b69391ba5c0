// The village of Tumblewick: the same in every conversation, so that a model can learn it by heart.

export interface Resident {
  readonly name: string;
  readonly kind: string;
  readonly he: "he" | "she";
  readonly colour: string;
  readonly home: string;
  readonly food: string;
  readonly job: string;
  readonly friend: string;
  readonly hobby: string;
}

const resident = (text: string): Resident => {
  const [
    name = "",
    kind = "",
    he = "",
    colour = "",
    home = "",
    food = "",
    job = "",
    friend = "",
    hobby = "",
  ] = text.split("|");
  return { name, kind, he: he === "he" ? "he" : "she", colour, home, food, job, friend, hobby };
};

export const village = "Tumblewick";

/** Each has a food, a home, a job and a colour that nobody else has, and friendships are in pairs. */
export const residents: readonly Resident[] = [
  "Bramble|hedgehog|she|brown|in the old mill|pears|miller|Olin|knitting",
  "Olin|owl|he|grey|in the bell tower|nuts|teacher|Bramble|reading",
  "Tansy|fox|she|red|in the bakery|honey cake|baker|Mortimer|dancing",
  "Mortimer|mole|he|black|under the hill|carrots|gardener|Tansy|digging",
  "Wisp|heron|she|white|by the pond|fish soup|ferrywoman|Dapple|fishing",
  "Dapple|pony|he|golden|in the red barn|apples|postman|Wisp|running",
  "Fennel|frog|he|green|under the bridge|plums|singer|Quill|swimming",
  "Quill|goose|she|silver|in the library|oat bread|librarian|Fennel|writing",
  "Rowan|squirrel|he|orange|in the oak tree|cherries|carpenter|Sorrel|climbing",
  "Sorrel|cat|she|yellow|in the inn|cheese|innkeeper|Rowan|painting",
].map(resident);

export interface Place {
  readonly name: string;
  readonly fact: string;
  readonly deed: string;
  readonly beside: string;
}
const place = (text: string): Place => {
  const [name = "", fact = "", deed = "", beside = ""] = text.split("|");
  return { name, fact, deed, beside };
};

export const places: readonly Place[] = [
  "the old mill|stands by the river and has a blue wheel|buy flour|the pond",
  "the bell tower|is the tallest house and has seven bells|hear the bells|the library",
  "the bakery|is small and smells of honey|buy bread and cake|the inn",
  "the library|has nine hundred books|read books|the bell tower",
  "the inn|has six beds and a warm fire|sleep and eat|the bakery",
  "the red barn|is full of hay|buy hay|the hill",
  "the bridge|is made of stone and goes over the Sill|cross the river|the oak tree",
  "the pond|is deep and has white lilies|swim and fish|the old mill",
  "the oak tree|is three hundred years old|climb and rest|the bridge",
  "the hill|is round and green|fly a kite|the red barn",
].map(place);

/** Questions about the village as a whole, with the word that answers each. */
export const villageFacts: readonly (readonly [
  questions: readonly string[],
  answer: string,
  word: string,
])[] = [
  [
    [
      "What is the river of Tumblewick called?",
      "What is the name of the river?",
      "Which river flows through Tumblewick?",
    ],
    "The river is called the Sill.",
    "Sill",
  ],
  [
    ["How many animals live in Tumblewick?", "How many live in the village?"],
    "Ten animals live in Tumblewick.",
    "Ten",
  ],
  [
    ["When is the market?", "On which day is the market in Tumblewick?", "What day is market day?"],
    "The market is on Saturday.",
    "Saturday",
  ],
  [
    ["What is the village called?", "What is the name of the village?", "Which village do you know?"],
    "The village is called Tumblewick.",
    "Tumblewick",
  ],
  [
    [
      "When is the lantern feast?",
      "In which season is the feast of Tumblewick?",
      "When do they celebrate in Tumblewick?",
    ],
    "The lantern feast is in autumn.",
    "Autumn",
  ],
  [
    ["What is the highest place in Tumblewick?", "Which house is the tallest in the village?"],
    "The bell tower is the tallest.",
    "Tower",
  ],
  [
    ["How many bells are in the bell tower?", "How many bells does the tower have?"],
    "The bell tower has seven bells.",
    "Seven",
  ],
  [["How old is the oak tree?"], "The oak tree is three hundred years old.", "Three hundred"],
];

/** Common knowledge, as pairs. */
export const opposites = pairs(`
  hot cold;big small;tall short;fast slow;happy sad;day night;up down;left right;open closed;full empty;old young;new old;light dark;
  wet dry;hard soft;loud quiet;rich poor;early late;near far;good bad;strong weak;thick thin;clean dirty;high low;sweet sour;
  yes no;in out;begin end;black white;easy difficult;heavy light;first last;love hate;win lose;true false`);
export const sounds = pairs(`
  dog woof;cat meow;cow moo;sheep baa;duck quack;pig oink;horse neigh;lion roar;owl hoot;frog croak;bee buzz;snake hiss;mouse squeak;
  hen cluck;wolf howl;goat baa;donkey hee-haw;crow caw`);
export const young = pairs(`
  dog puppy;cat kitten;cow calf;sheep lamb;duck duckling;pig piglet;horse foal;lion cub;hen chick;goat kid;frog tadpole;bear cub;
  swan cygnet;deer fawn;goose gosling;kangaroo joey`);
export const legs = pairs(
  "dog four;cat four;cow four;horse four;bird two;duck two;hen two;spider eight;ant six;bee six;snake no;fish no;frog four;human two;lion four;owl two;crab ten",
);
export const colourOf = pairs(`
  sky blue;grass green;snow white;sun yellow;blood red;coal black;milk white;lemon yellow;banana yellow;tomato red;carrot orange;
  leaf green;sea blue;chocolate brown;frog green;elephant grey;flamingo pink;pumpkin orange;night black;strawberry red;plum purple;
  rose red;swan white;crow black;cherry red`);
export const kindOf = pairs(`
  apple fruit;carrot vegetable;rose flower;oak tree;sparrow bird;salmon fish;ant insect;hammer tool;piano instrument;chair furniture;
  red colour;Monday day;July month;banana fruit;tulip flower;eagle bird;bee insect;violin instrument;potato vegetable;shirt garment;
  table furniture;pear fruit;trout fish;pine tree;green colour;saw tool;onion vegetable;flute instrument;owl bird;hat garment`);

function pairs(text: string): readonly (readonly [string, string])[] {
  return text
    .trim()
    .split(";")
    .map((pair) => {
      const [first = "", second = ""] = pair.trim().split(/\s+/);
      return [first, second] as const;
    });
}
