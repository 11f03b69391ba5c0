import type { Budget } from "./budget.ts";
import { fail } from "./fail.ts";
import { applyFilter } from "./filters.ts";
import { attributeOf, elementOf, sliceOf } from "./members.ts";
import type { BinaryNode, Expression, FilterName, MemberNode, Node } from "./nodes.ts";
import { numberValue, operate } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { elementsOf, pairsOf } from "./sequences.ts";
import { test } from "./tests.ts";
import { charactersOf, isText } from "./text.ts";
import {
  type Args,
  Callable,
  Dict,
  dictOf,
  Float,
  isTrue,
  numberOf,
  Sequence,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

const constants: ReadonlyMap<string, Value> = new Map([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
] as const);

/** Tests with an argument, which are written as filters. */
const testFilters = /^is (not )?(\w+)$/;

/** Evaluates expressions. */
export class Expressions {
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  evaluate(node: Node, scope: Scope): Value {
    this.#budget.step();
    this.#budget.enter();
    const value = this.#evaluate(node as Expression, scope);
    this.#budget.leave();
    return value;
  }

  #evaluate(node: Expression, scope: Scope): Value {
    switch (node.type) {
      case "StringLiteral":
        return node.value;
      case "IntegerLiteral":
        return numberValue(node.value, false);
      case "FloatLiteral":
        return new Float(node.value);
      case "Identifier":
        return this.#name(node.value, scope);
      case "ArrayLiteral":
      case "TupleLiteral":
        this.#budget.elements(node.value.length);
        return new Sequence(
          node.value.map((item) => this.evaluate(item, scope)),
          node.type === "TupleLiteral" ? "tuple" : "list",
        );
      case "ObjectLiteral":
        this.#budget.elements(4 * node.value.size);
        return dictOf(
          Array.from(node.value, ([key, value]) => [this.evaluate(key, scope), this.evaluate(value, scope)]),
        );
      case "MemberExpression":
        return this.#member(node, scope);
      case "CallExpression":
        return this.call(this.evaluate(node.callee, scope), this.args(node.args, scope));
      case "BinaryExpression":
        return this.#binary(node, scope);
      case "UnaryExpression":
        return this.#unary(node.operator.value, this.evaluate(node.argument, scope));
      case "FilterExpression":
        return this.filter(this.evaluate(node.operand, scope), node.filter, scope);
      case "TestExpression": {
        const operand = this.evaluate(node.operand, scope);
        return test(this.#budget, node.test.value, operand) !== node.negate;
      }
      case "Ternary":
        return this.evaluate(
          isTrue(this.evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr,
          scope,
        );
      case "SelectExpression":
        return isTrue(this.evaluate(node.test, scope))
          ? this.evaluate(node.lhs, scope)
          : new Undefined("an if without else is false");
      default:
        return fail(`an expression is not expected here (${node.type})`);
    }
  }

  #name(name: string, scope: Scope): Value {
    const value = constants.has(name) ? constants.get(name) : scope.get(name);
    return value !== undefined ? value : new Undefined(`${name} is not defined`);
  }

  #member({ object, property, computed }: MemberNode, scope: Scope): Value {
    const value = this.evaluate(object, scope);
    if (!computed) {
      if (property.type === "Identifier") return attributeOf(this.#budget, value, property.value);
      return elementOf(this.#budget, value, this.evaluate(property, scope));
    }
    if (property.type !== "SliceExpression") {
      return elementOf(this.#budget, value, this.evaluate(property, scope));
    }
    const bound = (node: Expression | undefined) => node && this.evaluate(node, scope);
    return sliceOf(this.#budget, value, [bound(property.start), bound(property.stop), bound(property.step)]);
  }

  /** Operators of equal rank make a tree that is deep on its left, which is walked without recursion. */
  #binary(node: BinaryNode, scope: Scope): Value {
    const chain: BinaryNode[] = [];
    let left: Expression = node;
    for (; left.type === "BinaryExpression"; left = left.left) chain.push(left);
    let value = this.evaluate(left, scope);
    for (const { operator, right } of chain.reverse()) {
      this.#budget.step();
      if (operator.value === "and" || operator.value === "or") {
        if (isTrue(value) === (operator.value === "and")) value = this.evaluate(right, scope);
      } else value = operate(this.#budget, operator.value, value, this.evaluate(right, scope));
    }
    return value;
  }

  #unary(operator: string, value: Value): Value {
    if (operator === "not") return !isTrue(value);
    if (value instanceof Undefined) return fail(value.reason);
    const number = numberOf(value) ?? fail(`${operator} cannot be applied to a ${typeName(value)}`);
    return numberValue(operator === "-" ? -number : number, value instanceof Float);
  }

  /** The arguments of a call: first the positional ones, then the named. */
  args(nodes: readonly Expression[], scope: Scope): Args {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    const add = (name: string, value: Value) => {
      if (named.has(name)) fail(`the argument ${name} is given twice`);
      named.set(name, value);
    };
    for (const node of nodes) {
      if (node.type === "SpreadExpression") {
        for (const value of elementsOf(this.#budget, this.evaluate(node.argument, scope))) {
          this.#budget.elements(1);
          positional.push(value);
        }
      } else if (node.type === "KeywordArgumentExpression") {
        add(node.key.value, this.evaluate(node.value, scope));
      } else if (node.type === "KeywordSpreadExpression") {
        const value = this.evaluate(node.argument, scope);
        if (!(value instanceof Dict)) return fail("** needs an object");
        for (const pair of pairsOf(this.#budget, value)) {
          const [key = null, item = null] = pair instanceof Sequence ? pair.take() : [];
          add(isText(key) ? charactersOf(key) : fail("** needs keys that are texts"), item);
        }
      } else positional.push(this.evaluate(node, scope));
    }
    return { positional, named };
  }

  call(callee: Value, args: Args): Value {
    if (callee instanceof Undefined) return fail(callee.reason);
    if (!(callee instanceof Callable)) return fail(`a ${typeName(callee)} cannot be called`);
    this.#budget.enter();
    const value = callee.call(args);
    this.#budget.leave();
    return value;
  }

  filter(value: Value, filter: FilterName, scope: Scope): Value {
    const [callee, nodes] =
      filter.type === "CallExpression" ? [filter.callee, filter.args] : [filter as Expression, []];
    if (callee.type !== "Identifier") return fail("a filter is given by its name");
    const args = this.args(nodes, scope);
    const [, not, name] = testFilters.exec(callee.value) ?? [];
    if (name === undefined) return applyFilter(this.#budget, callee.value, value, args);
    if (args.named.size > 0 || args.positional.length !== 1)
      return fail(`the test ${name} takes one argument`);
    return test(this.#budget, name, value, args.positional) === (not === undefined);
  }
}
