// Words that conversations are made of. Names are given names; nobody in particular bears them.

const list = (text: string) => text.trim().split(/\s+/);

export const givenNames = list(`
  Anna Ben Clara David Emma Felix Greta Hugo Ida Jonas Karl Lena Max Nora Oscar Paula Quentin Rosa Sam Tina Ursula Victor Wendy Xavier
  Yara Zoe Adam Bella Carlos Dora Eli Fiona George Hanna Ivan Julia Kim Leo Maria Noah Olga Peter Rita Sophie Tom Uma Vera Will Alice
  Bob Chris Diana Eric Frank Grace Henry Irene Jack Kate Lucas Mia Nick Olivia Paul Rachel Simon Theo Vincent Amir Chen Aisha Diego
  Elena Farid Hiro Ines Jamal Kofi Leila Mei Nadia Omar Priya Ravi Sara Tariq Yusuf Zara Ali John Mary James Linda Robert Laura Mark
  Daniel Eva Martin Alex Jo Robin Charlie Sandra Thomas Michael Sarah Lisa Steven Emily Luke Ruth Isaac`);

export const petNames = list(`
  Biscuit Pepper Milo Luna Coco Rex Bella Shadow Ginger Muffin Socks Toffee Waffles Pixie Bruno Daisy Rocky Snowy Tiger Fluffy Nemo
  Oreo Simba Ruby Ziggy Pickles Bubbles Cookie Domino Buddy Patch Misty Felix Honey Storm`);

export const pets = list("dog cat rabbit hamster parrot goldfish pony turtle mouse hen");
export const colours = list("red blue green yellow orange purple white black brown pink grey golden silver");
export const relatives = list(
  "brother sister mother father son daughter aunt uncle cousin friend neighbour teacher",
);

/** Things that one puts somewhere or owns. */
export const things = list(`
  key ball book hat scarf lamp cup bell ring blanket umbrella whistle apron flute coin map letter phone bottle pen knife spoon brush
  mirror ticket bag wallet hammer rope candle clock camera glove shoe sock jacket pencil stamp toy drum kite watch purse plate`);
/** Places for things, each with its preposition. */
export const spots = `
  in the drawer;under the bed;on the table;in the kitchen;behind the door;in the garden;on the shelf;in the car;under the sofa;in the
  box;next to the window;in the cellar;on the roof;in the bathroom;behind the mirror;in the fridge;under the carpet;in the garage;on
  the chair;in the basket;near the stove;in the attic;under the tree;in the blue bag;beside the bed;in the hall;on the piano;in the
  boat`
  .trim()
  .split(";")
  .map((spot) => spot.replace(/\s+/g, " "));

export const meals = list(`
  pizza soup pancakes rice noodles apples bread cheese cake chocolate carrots eggs fish salad pears plums honey grapes beans potatoes
  cherries porridge ice-cream bananas tomatoes mushrooms waffles dumplings`);
export const hobbies = list(`
  swimming reading dancing singing painting cooking fishing running skating sailing climbing knitting gardening cycling hiking
  drawing chess football tennis music photography sewing baking`);
export const towns = list(`
  Arlow Brimhaven Castelmar Dunvale Eastmere Farholm Glimmerford Harrowby Islemont Juniperton Kingsmoor Larkfield Merrow Northby
  Oakhurst Pinewick Quillham Rosedale Stonebridge Thornbury Underhill Valecrest Westport Yarrow Zellin`);
export const jobs = list(`
  baker teacher doctor farmer nurse painter pilot singer builder driver cook gardener writer dancer tailor sailor student painter
  plumber waiter librarian engineer`);

/** Words for spelling and counting letters. */
export const spellable = list(`
  cat dog sun moon star tree fish bird book milk bread house mouse apple water green table chair river stone cloud horse sheep paper
  night light happy lemon tiger zebra queen robot snake spoon train plane snow rain wind fire gold king ring song ship shoe frog bear
  lion wolf duck goat cake rice leaf rose hand nose door lamp bell boat ball kite drum flute garden window winter summer spring
  autumn yellow orange purple banana cherry carrot potato tomato kitten rabbit monkey dragon castle bridge school friend family
  doctor pencil pepper butter cheese honey mango onion grape peach pizza salad sugar music dance`);

export const days = list("Monday Tuesday Wednesday Thursday Friday Saturday Sunday");
export const months = list(
  "January February March April May June July August September October November December",
);
export const seasons = list("spring summer autumn winter");

export const numberWords = list(`
  zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
  twenty`);

/** Phrases that one must end or begin with, in system prompts. */
export const phrases = list(
  "banana cheers amen indeed hooray thanks moon wow okay sparkle potato yes peace sunshine captain tada goodbye beep meow",
);

export const helperNames = list(`
  Pip Robo Nova Ada Max Juno Sparky Otis Bolt Ziggy Sage Luna Echo Chip Tess Iris Gus Kiki Momo Bea Finch Rolo Dot Jasper`);
