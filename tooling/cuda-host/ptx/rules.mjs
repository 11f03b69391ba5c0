/**
 * The translation of an instruction to C++.
 *
 * @typedef {Record<string, string>} Modifiers by the names that the rule's form gives them; absent ones are ""
 *
 * @typedef {object} Rule
 * @property {string} opcode
 * @property {Part[]} form
 * @property {(m: Modifiers, emit: import("./emitter.mjs").Emitter) => string} write gives C++ statements
 *
 * @typedef {{ name: string, choices: string[], optional: boolean }} Part
 */

/**
 * @param {string} opcodes separated by spaces
 * @param {string} form the modifiers in order, separated by spaces: `ftz?` is optional, `type:u32|s32` is one of
 *   these, `round:rn|rz?` is one of these or absent
 * @param {Rule["write"]} write
 * @returns {Rule[]}
 */
export function rule(opcodes, form, write) {
  const parts = form.split(" ").filter(Boolean).map(parsePart);
  return opcodes.split(" ").map((opcode) => ({ opcode, form: parts, write }));
}

/** @param {string} text @returns {Part} */
function parsePart(text) {
  const optional = text.endsWith("?");
  const [name = "", choices = name] = text.replace(/\?$/, "").split(/(?<!:):(?!:)/);
  return { name, choices: choices.split("|"), optional };
}

/**
 * @param {Rule} rule
 * @param {string[]} modifiers of an instruction, in their order
 * @returns {Modifiers | undefined} undefined when they do not have the rule's form
 */
export function match(rule, modifiers) {
  /** @type {Modifiers} */
  const found = {};
  let at = 0;
  for (const { name, choices, optional } of rule.form) {
    const given = modifiers[at];
    if (given !== undefined && choices.includes(given)) {
      found[name] = given;
      at++;
    } else if (optional) {
      found[name] = "";
    } else {
      return undefined;
    }
  }
  return at === modifiers.length ? found : undefined;
}
