import { numberWords } from "../words.ts";
import type { Scene } from "../scene.ts";

// Arithmetic with numbers up to 20, and counting.

export function calculate(scene: Scene): void {
  ask(scene, undefined);
  while (scene.chance(35)) ask(scene, undefined);
}

/** Sums that go on with the last result. */
export function goOn(scene: Scene): void {
  let result = ask(scene, undefined);
  for (let i = scene.draw(1, 2); i > 0; i--) result = ask(scene, result);
}

function ask(scene: Scene, last: number | undefined): number {
  const op = scene.pick(last === undefined ? ["+", "+", "-", "-", "*"] : ["+", "-"]);
  let a = last ?? scene.draw(0, 20);
  let b: number;
  if (op === "+") b = scene.draw(0, 20 - a);
  else if (op === "-") b = scene.draw(0, a);
  else {
    a = scene.draw(0, 10);
    b = scene.draw(0, a < 2 ? 10 : Math.floor(20 / a));
  }
  const result = op === "+" ? a + b : op === "-" ? a - b : a * b;
  const name = { "+": "plus", "-": "minus", "*": "times" }[op] ?? "";
  const inWords = scene.chance(15);
  const say = (n: number) => (inWords ? (numberWords[n] ?? "") : String(n));
  const words = { a: say(a), b: say(b), op, name, result: say(result) };
  const user =
    last === undefined
      ? scene.phrase(
          inWords
            ? ["What is {a} {name} {b}?", "How much is {a} {name} {b}?", "{A} {name} {b}?"]
            : [
                "What is {a} {op} {b}?",
                "{a} {op} {b}",
                "{a}{op}{b}",
                "{a} {op} {b} = ?",
                "How much is {a} {op} {b}?",
                "What is {a} {name} {b}?",
                "Calculate {a} {op} {b}.",
                "{a} {name} {b}?",
                "Can you tell me what {a} {op} {b} is?",
              ],
          words,
        )
      : scene.phrase(
          op === "+"
            ? ["And {b} more?", "Add {b}.", "Plus {b}?", "Now add {b}."]
            : ["Minus {b}?", "Take away {b}.", "Subtract {b}.", "Now minus {b}."],
          words,
        );
  scene.turn(user, {
    kind: "arithmetic",
    text: scene.phrase(["{A} {name} {b} is {result}."], words),
    word: words.result,
  });
  return result;
}

/** Objects that somebody has, gets and gives away. */
export function wordProblem(scene: Scene): void {
  const thing = scene.pick(["apples", "coins", "books", "balls", "nuts", "eggs", "pens", "stones", "cakes"]);
  const a = scene.draw(1, 12);
  const more = scene.chance(50);
  const b = more ? scene.draw(1, Math.min(8, 20 - a)) : scene.draw(0, a);
  const result = more ? a + b : a - b;
  const words = { thing, a: String(a), b: String(b) };
  scene.turn(
    scene.phrase(
      more
        ? [
            "I have {a} {thing} and get {b} more. How many do I have?",
            "I have {a} {thing}. I buy {b} more. How many {thing} do I have now?",
          ]
        : [
            "I have {a} {thing} and give away {b}. How many are left?",
            "I have {a} {thing}. I lose {b}. How many {thing} do I have now?",
          ],
      words,
    ),
    { kind: "arithmetic", text: `You have ${result} ${thing}.`, word: String(result) },
  );
}

export function count(scene: Scene): void {
  const from = scene.draw(0, 14);
  const to = from + scene.draw(2, 6);
  const numbers = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const task = scene.draw(1, 4);
  const words = { from: String(from), to: String(to) };
  if (task === 1)
    scene.turn(
      scene.phrase(
        [
          "Count from {from} to {to}.",
          "Please count from {from} to {to}.",
          "Can you count from {from} to {to}?",
        ],
        words,
      ),
      { kind: "counting", text: `${numbers.join(", ")}.`, word: numbers.join(", ") },
    );
  else if (task === 2)
    scene.turn(
      scene.phrase(["Count down from {to} to {from}.", "Count backwards from {to} to {from}."], words),
      {
        kind: "counting",
        text: `${[...numbers].reverse().join(", ")}.`,
        word: [...numbers].reverse().join(", "),
      },
    );
  else if (task === 3)
    scene.turn(scene.phrase(["Count to {n}.", "Can you count to {n}?"], { n: String(to) }), {
      kind: "counting",
      text: `${Array.from({ length: to }, (_, i) => i + 1).join(", ")}.`,
      word: Array.from({ length: to }, (_, i) => i + 1).join(", "),
    });
  else {
    const after = scene.chance(60);
    const answer = String(after ? from + 1 : to - 1);
    scene.turn(
      after
        ? scene.phrase(["What number comes after {from}?", "Which number is next after {from}?"], words)
        : scene.phrase(["What number comes before {to}?", "Which number is before {to}?"], words),
      {
        kind: "counting",
        text: after ? `After ${from} comes ${answer}.` : `Before ${to} comes ${answer}.`,
        word: answer,
      },
    );
  }
}

export function compare(scene: Scene): void {
  const a = scene.draw(0, 99);
  const b = scene.chance(50) ? scene.draw(0, 99) : (a + scene.draw(1, 9)) % 100;
  if (a === b) {
    count(scene);
    return;
  }
  const larger = scene.chance(60);
  const answer = String(larger ? Math.max(a, b) : Math.min(a, b));
  scene.turn(
    scene.phrase(
      larger
        ? ["Which is larger, {a} or {b}?", "What is more, {a} or {b}?", "Which number is bigger: {a} or {b}?"]
        : ["Which is smaller, {a} or {b}?", "What is less, {a} or {b}?"],
      { a: String(a), b: String(b) },
    ),
    { kind: "counting", text: `${answer} is ${larger ? "larger" : "smaller"}.`, word: answer },
  );
}
