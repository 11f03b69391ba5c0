import { Bound } from "./args.ts";
import type { Budget } from "./budget.ts";
import { fail } from "./fail.ts";
import { equals } from "./operators.ts";
import { Callable, type Fields, Sequence, Undefined, type Value } from "./values.ts";

/**
 * The object `loop` of a `for`. As in Jinja, an element is looked for when it is needed: a condition of the loop sees what the body
 * did to a namespace before.
 */
export class Loop implements Fields {
  readonly isFields = true;
  readonly #budget: Budget;
  readonly #elements: Iterator<Value>;
  readonly #ahead: Value[] = [];
  #previous: Value | undefined;
  #current: Value | undefined;
  #index = -1;
  #changed: readonly Value[] | undefined;

  constructor(budget: Budget, elements: Iterable<Value>) {
    this.#budget = budget;
    this.#elements = elements[Symbol.iterator]();
  }

  /** Goes on to the next element. Returns undefined after the last. */
  next(): Value | undefined {
    this.#previous = this.#current;
    this.#current = this.#peek();
    this.#ahead.shift();
    this.#index++;
    return this.#current;
  }

  field(name: string): Value | undefined {
    switch (name) {
      case "index":
        return this.#index + 1;
      case "index0":
        return this.#index;
      case "first":
        return this.#index === 0;
      case "last":
        return this.#peek() === undefined;
      case "length":
        return this.#length();
      case "revindex":
        return this.#length() - this.#index;
      case "revindex0":
        return this.#length() - this.#index - 1;
      case "previtem":
        return this.#previous !== undefined ? this.#previous : new Undefined("there is no previous item");
      case "nextitem":
        return this.#after();
      case "depth":
        return 1; // others only in recursive loops, which the parser does not know
      case "depth0":
        return 0;
      case "cycle":
        return new Callable("cycle", ({ positional }) =>
          positional.length === 0
            ? fail("cycle needs values")
            : (positional[this.#index % positional.length] ?? null),
        );
      case "changed":
        return new Callable("changed", (args) => {
          if (args.named.size > 0) new Bound("changed", args, []);
          const before = this.#changed;
          this.#changed = args.positional;
          return !before || !equals(this.#budget, new Sequence(before), new Sequence(args.positional));
        });
      default:
        return undefined;
    }
  }

  #after(): Value {
    const next = this.#peek();
    return next !== undefined ? next : new Undefined("there is no next item");
  }

  #peek(): Value | undefined {
    if (this.#ahead.length === 0) this.#read();
    return this.#ahead[0];
  }

  #length(): number {
    while (this.#read());
    return this.#index + 1 + this.#ahead.length;
  }

  #read(): boolean {
    const next = this.#elements.next();
    if (next.done) return false;
    this.#budget.elements(1);
    this.#ahead.push(next.value);
    return true;
  }
}
