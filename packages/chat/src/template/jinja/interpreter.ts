import type { Budget } from "./budget.ts";
import { Expressions } from "./expressions.ts";
import { fail } from "./fail.ts";
import { textOf } from "./format.ts";
import { Loop } from "./loop.ts";
import type { Expression, ForNode, Node, Parameter } from "./nodes.ts";
import { Scope } from "./scope.ts";
import { elementsOf, listOf } from "./sequences.ts";
import { type Text, TextBuilder } from "./text.ts";
import { type Args, Callable, dictOf, isTrue, Namespace, Sequence, Undefined, type Value } from "./values.ts";

/** The way a block ended: at its end, or by `{% break %}` or `{% continue %}`. */
type End = "end" | "Break" | "Continue";

/** Runs the statements of a template as Jinja does, within a budget. */
export class Interpreter {
  readonly #budget: Budget;
  readonly #expressions: Expressions;

  constructor(budget: Budget) {
    this.#budget = budget;
    this.#expressions = new Expressions(budget);
  }

  /** The text that a template makes, with the names of `scope`. */
  run(program: Node, scope: Scope): Text {
    const out = new TextBuilder(this.#budget);
    if (program.type !== "Program") return fail("it is no template");
    this.#block(program.body, scope, out);
    return out.finish();
  }

  #block(body: readonly Node[], scope: Scope, out: TextBuilder): End {
    for (const node of body) {
      const end = this.#statement(node, scope, out);
      if (end !== "end") return end;
    }
    return "end";
  }

  /** The text of a block that no loop's end may leave. */
  #textOf(body: readonly Node[], scope: Scope): Text {
    const out = new TextBuilder(this.#budget);
    if (this.#block(body, scope, out) !== "end") fail("break and continue must be inside of a loop");
    return out.finish();
  }

  #statement(node: Node, scope: Scope, out: TextBuilder): End {
    this.#budget.step();
    this.#budget.enter();
    const end = this.#run(node, scope, out);
    this.#budget.leave();
    return end;
  }

  #run(node: Node, scope: Scope, out: TextBuilder): End {
    switch (node.type) {
      case "Comment":
        return "end";
      case "Break":
      case "Continue":
        if (scope.loops === 0) fail("break and continue must be inside of a loop");
        return node.type;
      case "If":
        return this.#if(node, scope, out);
      case "For":
        return this.#for(node, scope, out);
      case "Set":
        this.#set(
          node.assignee,
          node.value
            ? this.#expressions.evaluate(node.value, scope)
            : this.#textOf(node.body, new Scope(scope)),
          scope,
        );
        return "end";
      case "Macro":
        scope.set(node.name.value, this.#macro(node.name.value, node.args, node.body, scope));
        return "end";
      case "FilterStatement":
        out.add(
          textOf(
            this.#budget,
            this.#expressions.filter(this.#textOf(node.body, new Scope(scope)), node.filter, scope),
          ),
        );
        return "end";
      case "CallStatement": {
        const args = this.#expressions.args(node.call.args, scope);
        const callee = this.#expressions.evaluate(node.call.callee, scope);
        const caller = this.#macro("caller", node.callerArgs ?? [], node.body, scope);
        const named = new Map([...args.named, ["caller", caller] as const]);
        out.add(textOf(this.#budget, this.#expressions.call(callee, { ...args, named })));
        return "end";
      }
      case "Program":
        return this.#block(node.body, scope, out);
      default:
        out.add(textOf(this.#budget, this.#expressions.evaluate(node, scope)));
        return "end";
    }
  }

  #if(node: Node & { type: "If" }, scope: Scope, out: TextBuilder): End {
    // `elif` is an `if` that is alone in the block of `else`.
    for (let current = node; ;) {
      if (isTrue(this.#expressions.evaluate(current.test, scope)))
        return this.#block(current.body, scope, out);
      const [next, ...others] = current.alternate;
      if (next?.type !== "If" || others.length > 0) return this.#block(current.alternate, scope, out);
      current = next;
    }
  }

  #for(node: ForNode, scope: Scope, out: TextBuilder): End {
    const { iterable } = node;
    const [source, test] =
      iterable.type === "SelectExpression" ? [iterable.lhs, iterable.test] : [iterable, undefined];
    const values = elementsOf(this.#budget, this.#expressions.evaluate(source, scope));
    const elements = test ? this.#matching(values, test, node.loopvar, scope) : values;
    const loop = new Loop(this.#budget, elements);
    // An iteration that break or continue ends does not count: Jinja has it so.
    let isEmpty = true;
    for (let value = loop.next(); value !== undefined; value = loop.next()) {
      this.#budget.elements(8);
      const inner = new Scope(scope, true);
      inner.set("loop", loop);
      this.#set(node.loopvar, value, inner);
      const end = this.#block(node.body, inner, out);
      if (end === "Break") break;
      if (end === "end") isEmpty = false;
    }
    return isEmpty ? this.#block(node.defaultBlock, new Scope(scope), out) : "end";
  }

  *#matching(values: Iterable<Value>, test: Expression, target: Expression, scope: Scope): Generator<Value> {
    for (const value of values) {
      const inner = new Scope(scope);
      this.#budget.elements(8);
      this.#set(target, value, inner);
      if (isTrue(this.#expressions.evaluate(test, inner))) yield value;
    }
  }

  #set(target: Expression, value: Value, scope: Scope): void {
    if (target.type === "Identifier") scope.set(target.value, value);
    else if (target.type === "TupleLiteral") {
      const values = listOf(this.#budget, value);
      if (values.length !== target.value.length) {
        fail(`${values.length} values are given to ${target.value.length} names`);
      }
      target.value.forEach((name, i) => {
        this.#set(name, values[i] ?? null, scope);
      });
    } else if (
      target.type === "MemberExpression" &&
      !target.computed &&
      target.property.type === "Identifier"
    ) {
      const object = this.#expressions.evaluate(target.object, scope);
      if (!(object instanceof Namespace)) return fail("only the fields of a namespace can be set");
      this.#budget.elements(1);
      object.fields.set(target.property.value, value);
    } else fail("set needs a name, names or a field of a namespace");
  }

  #macro(name: string, parameters: readonly Parameter[], body: readonly Node[], scope: Scope): Callable {
    return new Callable(name, (args) => {
      const inner = new Scope(scope);
      this.#bind(name, parameters, body, args, inner);
      return this.#textOf(body, inner);
    });
  }

  #bind(
    macro: string,
    parameters: readonly Parameter[],
    body: readonly Node[],
    { positional, named }: Args,
    scope: Scope,
  ): void {
    const rest = new Map(named);
    const missing: (() => void)[] = [];
    parameters.forEach((parameter, i) => {
      const name = parameter.type === "Identifier" ? parameter.value : parameter.key.value;
      const given = i < positional.length ? positional[i] : rest.get(name);
      if (given !== undefined) {
        if (i < positional.length && rest.has(name))
          fail(`the macro ${macro} got the argument ${name} twice`);
        rest.delete(name);
        scope.set(name, given);
        return;
      }
      scope.set(name, new Undefined(`the macro ${macro} got no argument ${name}`));
      if (parameter.type !== "Identifier") {
        missing.push(() => {
          scope.set(name, this.#expressions.evaluate(parameter.value, scope));
        });
      }
    });
    for (const evaluate of missing) evaluate();
    const caller = rest.get("caller");
    if (caller !== undefined && mentions(body, "caller")) {
      rest.delete("caller");
      scope.set("caller", caller);
    }
    const [extra] = rest.keys();
    if (mentions(body, "kwargs")) scope.set("kwargs", dictOf(rest));
    else if (extra !== undefined) fail(`the macro ${macro} has no parameter ${extra}`);
    if (mentions(body, "varargs")) {
      scope.set("varargs", new Sequence(positional.slice(parameters.length), "tuple"));
    } else if (positional.length > parameters.length) {
      fail(`the macro ${macro} takes at most ${parameters.length} arguments`);
    }
  }
}

const mentioned = new WeakMap<readonly Node[], ReadonlySet<string>>();

/** True when a block reads a name. */
function mentions(body: readonly Node[], name: string): boolean {
  let names = mentioned.get(body);
  if (!names) {
    names = namesIn(body);
    mentioned.set(body, names);
  }
  return names.has(name);
}

function namesIn(body: readonly Node[]): ReadonlySet<string> {
  const names = new Set<string>();
  const open: unknown[] = [body];
  while (open.length > 0) {
    const node = open.pop();
    if (node instanceof Map) for (const pair of node) open.push(pair);
    else if (Array.isArray(node)) for (const child of node as unknown[]) open.push(child);
    else if (typeof node === "object" && node !== null) {
      if ((node as Node).type === "Identifier") names.add((node as { value: string }).value);
      else for (const child of Object.values(node)) open.push(child);
    }
  }
  return names;
}
