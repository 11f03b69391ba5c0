// The words that a cast is drawn from. The first letter decides the article, so the lists contain no word that sounds
// different from its spelling ("honest", "unicorn"). No name or noun is in two lists.

export const girls =
  "Lily Mia Anna Zoe Ruby Nora Ella Ivy Rosa Tess Clara Maya Jane Lucy Emma Sara Wendy Polly Hazel Daisy".split(
    " ",
  );
export const boys =
  "Tom Ben Max Sam Leo Finn Jack Noah Owen Hugo Toby Luke Adam Paul Eli Theo Oscar Harry Felix Peter".split(
    " ",
  );

/** Kinds of hero and friend, besides girl and boy. */
export const animals = "fox rabbit bear mouse duck cat owl hedgehog frog otter squirrel goat pony lamb".split(
  " ",
);

/** Creatures that hero and friend meet; never the kind of either. */
export const creatures = "bird turtle puppy kitten deer beaver swan donkey badger hen".split(" ");

export const traits = "brave patient curious clever gentle careful cheerful kind eager loyal".split(" ");
export const colours = "red blue green yellow orange purple white silver golden brown".split(" ");
export const things =
  "kite ball boat drum hat scarf lantern cup bell book key wagon spoon ring blanket basket umbrella whistle apron flute".split(
    " ",
  );
export const foods =
  "berries bread honey apples cheese nuts soup pears cake carrots plums corn pancakes grapes".split(" ");
export const parents = "mother father grandmother grandfather aunt uncle".split(" ");

/** Places, each with its preposition for being there. */
export const places: readonly (readonly [place: string, at: string])[] = [
  ["the river", "by the river"],
  ["the forest", "in the forest"],
  ["the hill", "on the hill"],
  ["the old mill", "at the old mill"],
  ["the garden", "in the garden"],
  ["the barn", "in the barn"],
  ["the lake", "by the lake"],
  ["the market", "at the market"],
  ["the meadow", "in the meadow"],
  ["the bridge", "on the bridge"],
  ["the beach", "on the beach"],
  ["the park", "in the park"],
  ["the farm", "at the farm"],
  ["the harbor", "at the harbor"],
  ["the castle", "near the castle"],
  ["the well", "beside the well"],
];

export const spots = [
  "under a log",
  "behind a big stone",
  "in the tall grass",
  "between two roots",
  "beside an old fence",
  "under a pile of leaves",
  "behind a bush",
  "inside a hollow tree",
  "next to a broken gate",
  "on top of a wall",
];

export const times = [
  "one morning",
  "one sunny day",
  "one day",
  "one windy afternoon",
  "one spring day",
  "early one morning",
  "one summer afternoon",
  "one autumn day",
  "on a warm day",
  "on a quiet morning",
];

/** Verbs, each with its -ing form. */
export const skills: readonly (readonly [verb: string, doing: string])[] = [
  ["dance", "dancing"],
  ["sing", "singing"],
  ["draw", "drawing"],
  ["juggle", "juggling"],
  ["knit", "knitting"],
  ["read", "reading"],
  ["bake", "baking"],
  ["do tricks", "doing tricks"],
  ["play chess", "playing chess"],
  ["paint", "painting"],
  ["cook", "cooking"],
  ["sew", "sewing"],
];

export const sad = ["sad", "upset", "worried", "unhappy"];
export const happy = ["happy", "glad", "joyful", "pleased"];
export const went = ["ran", "walked", "hurried", "skipped"];
export const sizes = ["small", "tiny", "little", "big"];
