import { compareRules } from "./compare.mjs";
import { controlRules } from "./control.mjs";
import { convertRules } from "./convert.mjs";
import { dataRules } from "./data.mjs";
import { floatRules } from "./floats.mjs";
import { integerRules } from "./integers.mjs";
import { memoryRules } from "./memory.mjs";
import { warpRules } from "./warp.mjs";
import { match } from "../rules.mjs";

/** @type {Map<string, import("../rules.mjs").Rule[]>} */
const rulesByOpcode = new Map();
for (const rule of [
  ...compareRules,
  ...controlRules,
  ...convertRules,
  ...dataRules,
  ...floatRules,
  ...integerRules,
  ...memoryRules,
  ...warpRules,
]) {
  const known = rulesByOpcode.get(rule.opcode);
  if (known === undefined) rulesByOpcode.set(rule.opcode, [rule]);
  else known.push(rule);
}

/** The translated opcodes, each with the forms of its modifiers. @type {ReadonlyMap<string, import("../rules.mjs").Rule[]>} */
export const opcodes = rulesByOpcode;

/**
 * @param {import("../body.mjs").Instruction} instruction
 * @returns {import("../rules.mjs").Rule | undefined} the first whose form the instruction has
 */
export function ruleFor({ opcode, modifiers }) {
  return opcodes.get(opcode)?.find((rule) => match(rule, modifiers) !== undefined);
}
