import type { Plot } from "./grammar.ts";

// A pronoun refers to the person named in its sentence or, if the sentence names nobody, to the person named last. Text
// between quotation marks contains no "he" and no "she". The tests check this for every story.

/** Something is lost, and found where the hero played with it. */
export const lost: Plot = [
  [
    "{Hero} had {a item} and took it everywhere.",
    "The best thing {he} owned was {a item}.",
    "{His} {parent} had given {him} {a item}, and {he} loved it very much.",
    "Nothing was dearer to {him} than {his} {item}.",
  ],
  [
    "{Time}, {hero} carried the {thing} to {place}.",
    "{Time}, {he} went to {place} and took the {thing} along.",
    "{Time}, {hero} and the {thing} were off to {place}.",
  ],
  [
    "There {he} played until {he} was tired.",
    "{He} played {at} for a long time.",
    "{He} played with the {thing} all morning.",
    "",
  ],
  [
    "Then {he} {went} on to {place2} to eat some {food}.",
    "After that {he} went to {place2} and ate some {food}.",
    "Later {hero} was hungry, so {he} sat down {at2} with some {food}.",
  ],
  [
    "When {he} wanted to go home, the {thing} was gone!",
    "But when {he} looked around, the {thing} was not there.",
    "Suddenly {he} saw that the {thing} was missing.",
  ],
  [
    "{He} looked {spot2}, but there was only {a size} {creature}.",
    "{He} searched everywhere {at2}, but {he} could not find it.",
    "{He} looked {spot2} and found nothing.",
  ],
  ["{Hero} sat down and cried.", "{Hero} felt very {sad}.", "{Hero} was {sad} and did not know what to do."],
  [
    'Just then {fintro} came by. "What is wrong?" asked {friend}.',
    '{Fintro} heard it and {went} over. "Why are you so {sad}?" {fhe} asked.',
    '{A fkind} named {friend} stopped and asked, "Can I help you?"',
  ],
  ['"I lost my {item}," said {hero}.', '"My {thing} is gone," {hero} said. "It is {colour}."'],
  [
    '"Where did you have it last?" asked {friend}.',
    '"Think back," said {friend}. "Where were you before?"',
    '{Friend} nodded. "Where did you play today?"',
  ],
  [
    '{Hero} thought hard. "I was {at}!" {he} said.',
    '"I played {at}," said {hero}, "and then I ate my {food}."',
    '"First I was {at}," {hero} remembered.',
  ],
  [
    "So they {went} back to {place}.",
    "The two of them {went} to {place} at once.",
    "Together they went back to {place}.",
  ],
  [
    "And there, {spot}, lay the {item}!",
    "{Friend} looked {spot}, and there was the {item}.",
    "{Hero} looked {spot} and saw something {colour}. It was the {thing}!",
  ],
  [
    '"Thank you, {friend}!" said {hero}. "You are so {ftrait}."',
    '{Hero} hugged {friend}. "I would never have found it without you."',
    "{Hero} was so {happy} that {he} danced around {friend}.",
  ],
  [
    "They shared the rest of the {food} and went home together.",
    "From that day on, {hero} always kept the {thing} close.",
    "After that, {hero} never left the {thing} {at} again.",
    "On the way home, {friend} was allowed to carry the {thing}.",
  ],
];

/** The hero wants something, and gets it by a chain of exchanges. */
export const trade: Plot = [
  [
    "{Time}, {he} saw {a item} {at}.",
    "{Time}, {hero} came to {place} and saw {a item} there.",
    "{Time}, {hero} found {a creature} who sold {a item} {at}.",
  ],
  [
    '"I wish that {thing} were mine," {he} said.',
    "{He} had never wanted anything so much.",
    "{Hero} wanted the {thing} more than anything.",
  ],
  [
    'The {creature} who owned it said, "Bring me some {food}, and the {thing} is yours."',
    '"You can have it for some {food}," said the {creature} who owned it.',
  ],
  ["But {hero} had no {food}.", "{Hero} had nothing to eat at all, and felt {sad}."],
  [
    "So {hero} {went} to {place2}, where {fintro} lived.",
    "Then {hero} thought of {fintro} and {went} to {place2}.",
    "{Hero} {went} to {friend}, {a ftrait} {fkind} who lived {at2}.",
  ],
  [
    '"I have a lot of {food}," said {friend}, "but I lost my {item2}. Will you help me find it?"',
    '"Find my {item2}, and I will give you some {food}," said {friend}.',
    '"Take all you want," said {friend}, "but first help me look for my {item2}."',
  ],
  [
    "{A trait} {kind} does not give up, and {hero} looked everywhere {at2}.",
    "They looked for it {at2} all day.",
    '"Of course I will help," said {hero}.',
  ],
  [
    "At last {hero} found the {thing2} {spot}.",
    "Then {hero} looked {spot}, and there was the {thing2}.",
    "Something {colour2} lay {spot}. {Hero} picked it up. It was the {thing2}!",
  ],
  [
    '"My {thing2}!" cried {friend}. "Now take all the {food} you want."',
    "{Friend} was so {happy} that {fhe} filled a bag with {food}.",
    '{Friend} jumped for joy. "You are {a trait} {kind}," {fhe} said.',
  ],
  [
    "{Hero} carried the {food} back to the {creature} {at}.",
    "{Hero} {went} back to {place} and gave the {food} to the {creature}.",
  ],
  [
    'The {creature} smiled. "A promise is a promise," it said.',
    '"Now the {thing} belongs to you," said the {creature}.',
    "The {creature} began to eat at once.",
  ],
  [
    "That evening, {hero} and {friend} played with the {item}.",
    "And so {hero} came home with {a item}.",
    "{Hero} held the {item} tight and was {happy} all the way home.",
  ],
];

/** The hero looks for a present, which has the colour that the friend likes best. */
export const gift: Plot = [
  [
    "The best friend of {hero} was {friend}, {a ftrait} {fkind}.",
    "{Hero} had a friend named {friend}. {Friend} was {a ftrait} {fkind}.",
    "{Fintro} was the best friend that {hero} had.",
  ],
  [
    "{Friend} loved everything that was {colour}.",
    'Every day {friend} said, "{Colour} is the best color of all."',
    "The color that {friend} liked best was {colour}.",
  ],
  [
    "{Time}, {hero} heard that tomorrow was the birthday of {friend}.",
    "Soon it was the birthday of {friend}, and {hero} had no present.",
    '"Tomorrow is my birthday," {friend} said {time}.',
  ],
  [
    "{Hero} went to {place}, but everything there cost too much.",
    "{Hero} looked for a present {at}, but found only an old {thing2}.",
    'First {hero} thought of some {food}. "No," {he} said, "that is gone too soon."',
  ],
  [
    '"What shall I do?" {he} asked {his} {parent}.',
    "{Hero} felt {sad} and told {his} {parent} about it.",
    "{Hero} came home {sad}, and {his} {parent} asked why.",
  ],
  [
    '"Make something yourself," said {his} {parent}.',
    '"The best presents are made at home," said {his} {parent}.',
    '"Here is some wood and some cloth," said {his} {parent}. "Make {a thing}."',
  ],
  [
    "So {hero} worked all evening and made {a size} {thing}.",
    "{Hero} sat down and worked until the {thing} was done.",
    "{A trait} {kind} does not give up, and in the end {hero} had a fine {thing}.",
  ],
  [
    "Then {hero} remembered what {friend} loved, and made it {colour}.",
    "The {thing} had to be {colour}, because {friend} would like that.",
  ],
  [
    "In the morning, {hero} hid the {thing} {spot} {at2}.",
    "The next day {hero} {went} to {place2} and put the {thing} {spot}.",
  ],
  [
    '"Look {spot}!" said {hero}.',
    '"There is something for you {at2}," {hero} told {friend}.',
    '"Come to {place2} with me," said {hero} to {friend}.',
  ],
  [
    "{Friend} looked {spot} and found the {item}.",
    "{Friend} searched and searched, and then {fhe} saw the {item}.",
  ],
  [
    '"It is {colour}!" cried {friend}. "You remembered."',
    '"{A item}! How did you know?" asked {friend}.',
    '"This is the best {thing} in the world," said {friend}.',
  ],
  [
    "They ate {food} together, and {hero} was just as {happy} as {friend}.",
    "Nobody was as {happy} that day as {friend} and {hero}.",
    "{Friend} kept the {thing} for many years.",
  ],
];

/** A friend hides something, and the clues are what the two did together. */
export const hunt: Plot = [
  [
    "{Hero} liked riddles, and so did {his} friend {friend}, {a ftrait} {fkind}.",
    "{Hero} and {fintro} played together every day.",
    "{Hero} had a friend who liked games. It was {friend}, {a ftrait} {fkind}.",
  ],
  [
    "{Time}, the two of them ate {food} {at}.",
    "{Time}, {friend} brought some {food}, and the two of them had lunch {at}.",
  ],
  [
    "The next day they went to {place2} and met {a creature}.",
    "Another day they played with {a creature} {at2}.",
    "Then they {went} to {place2} and sang songs with {a creature}.",
  ],
  [
    'In the evening {friend} said, "I hid your {item}. Can you find it?"',
    'When {hero} came home, the {item} was gone. "I hid it," said {friend} with a smile.',
    '"I have a game for you," said {friend}. "I hid your {item}."',
  ],
  [
    '"Where is it?" asked {hero}. "Go where we ate the {food}," said {friend}.',
    '"Tell me more," said {hero}. "It is where we had {food}," said {friend}.',
  ],
  [
    "{Hero} sat down and thought about it.",
    '"Hmm," said {hero}, and closed both eyes to think.',
    "{Hero} could not remember at first.",
  ],
  [
    "First {he} looked {at2}, but there was nothing.",
    "{He} {went} to {place2} and looked {spot2}. It was not there.",
    '"Is it {at2}?" {he} asked. "No," said {friend}.',
  ],
  [
    'Then {hero} laughed. "We met the {creature} {at2}, but we ate {at}!"',
    '"Wait," said {hero}. "We ate the {food} {at}!"',
    "Then {hero} remembered the {food} {at}.",
  ],
  [
    "{Hero} ran to {place} as fast as {he} could.",
    "They {went} to {place} together.",
    "{Hero} took {a size} lamp and {went} to {place}.",
  ],
  [
    "{He} looked {spot}, and there it was, {colour} and shining.",
    "The {thing} was {spot}.",
    "And what lay {spot}? It was the {item}!",
  ],
  [
    '"You found it!" said {friend}. "You are so {trait}."',
    '"That was a good riddle," said {hero}.',
    "{Friend} clapped and cheered.",
  ],
  [
    "Then they sat down {at} once more and ate {food}.",
    "The next day it was the turn of {hero} to hide the {thing}.",
    "{Hero} put the {thing} away and was {happy}.",
  ],
];
