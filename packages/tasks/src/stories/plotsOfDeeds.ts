import type { Plot } from "./grammar.ts";

// Pronouns follow the rule in plotsOfThings.ts.

/** A creature is stuck, is freed at the second attempt, and pays it back. */
export const rescue: Plot = [
  [
    "{Time}, {he} was {at} with {his} {item}.",
    "{Time}, {hero} took {a item} to {place}.",
    "{Time}, {he} {went} to {place}. {He} had {his} {item} with {him}.",
  ],
  [
    "Suddenly somebody cried out loud.",
    'There a voice called, "Help! Help me, please!"',
    "There {he} heard a strange sound. Somebody was crying.",
  ],
  [
    "It was {a size} {creature}, and it was stuck {spot}.",
    "{Hero} looked {spot}, and there sat {a size} {creature} that could not get out.",
    "{A creature} was caught {spot} and could not move.",
  ],
  [
    '"Do not be afraid," said {hero}. "I will get you out."',
    '"Poor {creature}," said {hero}. "How long have you been here?"',
    '"I have been here all night," said the {creature}.',
  ],
  [
    "{He} pulled as hard as {he} could, but the {creature} was still stuck.",
    "First {he} pulled with both hands. It did not help.",
    "{Hero} pushed and pulled, but nothing moved.",
  ],
  [
    "So {hero} {went} to {friend}, {a ftrait} {fkind} who lived {at2}.",
    "{Hero} called {friend}, who was {at2} that day.",
    "Then {fintro} came along from {place2}.",
  ],
  [
    '"Use your {thing}!" said {friend}.',
    '"You have {a item}," said {friend}. "Why do you not try it?"',
    '{Friend} looked at the {thing}. "That is what we need," {fhe} said.',
  ],
  [
    "The {creature} held on to the {thing}, {hero} and {friend} pulled, and at last it was free.",
    "They pushed the {thing} under the {creature} and lifted. Now it was free!",
    "{Hero} reached out with the {thing}, and the {creature} climbed up on it.",
  ],
  [
    '"Thank you, {hero} and {friend}," said the {creature}. "I will not forget this."',
    '"You are {a trait} {kind}," said the {creature} to {hero}.',
    "The {creature} thanked them both and went home.",
  ],
  [
    "The next week, {hero} lost the {thing} {at2}.",
    "Some days later, the wind took the {item} away.",
    "But on the way home {hero} dropped the {item} into deep water.",
  ],
  [
    "{Hero} was {sad}. Then somebody came with something {colour}.",
    '"My {thing}!" cried {hero}. Then there was a knock at the door.',
    "{Hero} looked for it until it was dark. Then somebody called.",
  ],
  [
    "It was the {creature}, and it brought the {thing} back!",
    "It was the {creature}, and it had found the {item}!",
  ],
  [
    '"You helped me {at}," it said, "and now I help you."',
    '"I told you that I would not forget," said the {creature}.',
    "From then on, {hero}, {friend} and the {creature} were the best of friends.",
    "{Hero} gave the {creature} some {food} and was very {happy}.",
  ],
];

/** A promise, an obstacle to it, and a way to keep it nevertheless. */
export const promise: Plot = [
  [
    '{Time}, {fintro} asked, "Will you bring me my {item} before dark? I am {at2}."',
    '{Time}, {friend} came and said, "Please bring the {item} to {place2} before dark."',
  ],
  [
    '"I promise," said {hero}.',
    '"Of course I will," said {hero}. "I promise."',
    "{Hero} gave {friend} {his} word.",
  ],
  [
    "So {hero} took the {thing} and {went} off.",
    "{Hero} put the {thing} into a bag and set out.",
    "After lunch, {hero} started with the {thing} in {his} hands.",
  ],
  [
    "{At}, {he} met {a creature} that ate {food}.",
    "The way went past {place}. There sat {a creature} with a lot of {food}.",
    "When {he} came to {place}, {a creature} was having a party.",
  ],
  [
    '"Stay and eat some {food} with me," said the {creature}.',
    '"Sit down, {hero}," said the {creature}. "There is enough for two."',
  ],
  [
    "{Hero} was hungry and stayed for a long time.",
    "{Hero} ate and ate, and forgot the time.",
    "The {food} tasted so good that {hero} forgot everything else.",
  ],
  [
    "Soon the sun was low. Then {he} saw the {thing} again.",
    'When it got dark, {he} thought of something {colour}. "Oh no, the {thing}!"',
    'Suddenly {hero} remembered {friend}. "My promise!" {hero} cried.',
  ],
  [
    '"It is too far to walk," said {hero} and was {sad}.',
    '"I will never get to {place2} in time," said {hero}.',
  ],
  [
    '"I know a short way," said the {creature}. "It begins {spot}."',
    '"Come with me," said the {creature}. "There is a path {spot}."',
  ],
  [
    "They ran as fast as they could.",
    "The path was dark and narrow, but {hero} was {trait}.",
    "{Hero} followed the {creature} and did not stop once.",
  ],
  [
    "{Friend} stood {at2} and waited.",
    "And there was {friend}, {at2}, just as the sun went down.",
    'When they came to {place2}, {friend} waved. "There you are!"',
  ],
  [
    '"Here is your {item}," said {hero}.',
    '{Hero} held out the {thing}. "A promise is a promise," {he} said.',
  ],
  [
    '"I knew that you would come," said {friend}.',
    "{Friend} was very {happy} and thanked {hero}.",
    '"And who is this?" asked {friend}. "This is the {creature} that showed me the way," said {hero}.',
  ],
  [
    "Then all three of them sat down and ate {food}.",
    "The next time, {hero} did not stop {at} before the work was done.",
    "{Hero} had learned to keep a promise first and to eat {food} later.",
  ],
];

/** Something cannot be done, is practised, and is needed. */
export const skill: Plot = [
  [
    "There was one thing that {he} could not do. {He} could not {verb}.",
    "More than anything, {hero} wanted to {verb}.",
    '"I wish I could {verb}," {hero} often said.',
  ],
  [
    "All the others were {doing} {at}, but {hero} only watched.",
    "{Time}, {he} tried it {at}, but it went wrong.",
    "{Time}, {he} went to {place} to try. It did not go well.",
  ],
  [
    "{A creature} saw it and laughed.",
    '"I am no good at {doing}," said {hero} and felt {sad}.',
    "{Hero} tried again and again, and then {he} gave up.",
  ],
  [
    '{Fintro} was good at {doing}. "I will show you," {fhe} said.',
    'That day {hero} met {friend}, {a fkind} who was good at {doing}. "Let me help you," said {friend}.',
    'Then {fintro} came. "Nobody can {verb} on the first day. I will help you," said {friend}.',
  ],
  [
    '"I will give you some {food} for it," said {hero}.',
    '"How can I thank you?" asked {hero}. "Bring me some {food}," said {friend}.',
    '"Every day, you do a little more," said {friend}. "Then we eat {food}."',
  ],
  ["So they met {at2} every day.", "From then on, {hero} and {friend} went to {place2} each morning."],
  [
    "It was hard, but {a trait} {kind} does not give up.",
    "On the first day {hero} was tired. On the second day it was better.",
    "{Hero} worked hard, even when it rained.",
  ],
  [
    'After a week, {friend} said, "Now you can {verb} as well as I can."',
    "After some time, {hero} could {verb} without any help.",
    "And one day it was easy.",
  ],
  [
    "Soon there was a big party {at}.",
    "Then the day of the great show {at} came.",
    "In the summer, everybody came to {place} for a feast.",
  ],
  ["The winner would get {a item}.", "There was a prize, and it was {a item}."],
  [
    "Now {hero} showed what {he} had learned. Everybody watched.",
    "{Hero} was afraid at first, but then {he} thought of the days {at2}.",
    '"Do it as we did {at2}," said {friend}.',
  ],
  [
    "Everybody cheered, and {hero} won the {thing}.",
    '"Nobody does it better," the people said, and the {thing} went to {hero}.',
    "{Hero} was better than all the others and got the {item}.",
  ],
  [
    'But {hero} gave it to {friend}. "Without you I could not {verb}," said {hero}.',
    '"The {thing} is for both of us," {hero} told {friend}.',
    "{Hero} and {friend} ate {food} and were {happy}.",
  ],
];

/** A noise frightens, and has a harmless cause. */
export const noise: Plot = [
  [
    "{Time}, {hero} left {his} {item} {at}.",
    "{Time}, {hero} came home and saw that {he} had left the {item} {at}.",
    "In the evening, {hero} could not find {his} {item}. It was still {at}.",
  ],
  [
    "It was already dark, but {he} went back to get it.",
    '"I will get it," {he} told {his} {parent}. "I am not afraid of the dark."',
    "{He} took some {food} for the way and went out alone.",
  ],
  [
    "When {he} came near {place}, {he} heard a noise.",
    "There was nobody {at}. Then something went bump!",
    '"Whoo," something said {spot}. {Hero} stood still.',
  ],
  [
    "{Hero} was so afraid that {he} ran all the way to {place2}. There lived {fintro}.",
    "{Hero} ran to {place2}, where {fintro} lived.",
  ],
  [
    '"There is a monster {at}!" {hero} told {friend}.',
    '{Friend} opened the door. "There is a monster, and it has my {thing}!" said {hero}.',
  ],
  [
    '"There are no monsters," said {friend}. "Let us look together."',
    '"I am {a ftrait} {fkind}," said {friend}. "I will come with you."',
    '{Friend} was afraid too, but {fhe} said, "Two are better than one."',
  ],
  ["So they {went} back to {place}, side by side.", "They took a lamp and went to {place}, step by step."],
  [
    "The noise came again. It came from something {spot}.",
    '"Do you hear it?" asked {hero}. "It is {spot}," said {friend}.',
    "Something moved {spot}.",
  ],
  [
    "{Friend} held up the lamp, and they saw {a size} {creature}.",
    "{Hero} looked closely. It was only {a creature}!",
    "It was no monster. It was {a size} {creature}, and it was crying.",
  ],
  [
    '"I am hungry," said the {creature}, "and I lost my way."',
    '"Please do not hurt me," said the {creature}. "I only want some {food}."',
  ],
  [
    "{Hero} was {trait} and gave it some {food}.",
    '"We have {food} at home," said {hero}. "Come with us."',
    "{Friend} had some {food} and shared it.",
  ],
  [
    "The {creature} was so {happy} that it showed {hero} where the {thing} was.",
    'Then the {creature} gave {hero} something {colour}. "Is this {thing} yours?" it asked.',
    "And under the {creature}, soft and warm, was the {item}.",
  ],
  [
    '"Thank you," said {hero}. "Now I know that you are no monster."',
    "Since that night, {hero} was not afraid of any noise.",
    "Now {hero} and {friend} go to {place} every evening and bring {food}.",
    '"I told you so," said {friend}, and they all laughed.',
  ],
];
