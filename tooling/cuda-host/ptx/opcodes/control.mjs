import { rule } from "../rules.mjs";

/** @type {import("../rules.mjs").Rule["write"]} */
const call = (_, emit) => {
  const operands = [...emit.operands(1, 3)];
  const returns = operands[0]?.kind === "list" ? operands.shift() : undefined;
  const [target, params] = operands;
  if (target?.kind !== "name") throw emit.error("only calls of functions by their name are translated");
  const lists = [returns, params].flatMap((list) => (list?.kind === "list" ? list.items : []));
  const passed = lists.map((item) => {
    if (item.kind !== "variable" || item.variable.space !== "param")
      throw emit.error("an argument is not a .param");
    return item.variable;
  });
  return `${emit.frame.callee(emit, target.name, passed)}(${passed.map(({ name }) => name).join(", ")});`;
};

/** Jumps, calls and ends. */
export const controlRules = [
  ...rule("bra", "uni?", (_, emit) => {
    const [target] = emit.operands(1);
    if (target?.kind !== "name") throw emit.error("the target is not a label");
    return `goto ${emit.frame.label(emit, target.name)};`;
  }),
  ...rule("ret", "uni?", () => "return;"),
  ...rule("exit", "", (_, emit) => {
    // In a called function, `exit` would end the kernel's thread.
    if (!emit.frame.isEntry) throw emit.error("only a kernel exits");
    return "return;";
  }),
  ...rule("trap", "", (_, emit) => `cuda_host::fail("trap at %s:%d", source, ${emit.line});`),
  ...rule("call", "uni?", call),
];
