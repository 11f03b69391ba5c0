import { PtxError } from "./error.mjs";

/**
 * @typedef {object} Register
 * @property {string} ptx its name in the PTX
 * @property {string} name its name in C++
 * @property {import("./types.mjs").Type} type
 *
 * @typedef {object} Variable
 * @property {string} ptx its name in the PTX
 * @property {string} name its name in C++
 * @property {"global" | "const" | "shared" | "local" | "param"} space
 * @property {number} bytes
 * @property {number} alignment
 * @property {number[]} [values] initial bytes; the rest is zero
 * @property {number} line
 */

/**
 * @param {string} kind keeps registers, variables, labels and functions apart
 * @param {string} ptx
 * @returns {string} for C++
 */
export const cppName = (kind, ptx) => `${kind}_${ptx.replace(/^[%$]+/, "").replace(/\W/g, "_")}`;

/** The names that are declared in one `{ … }` and in the scopes around it. */
export class Scope {
  /** @type {Map<string, Register | Variable>} */
  #names = new Map();
  /** @type {Map<string, { count: number, type: import("./types.mjs").Type }>} */
  #ranges = new Map();
  #outer;
  #suffix;

  /**
   * @param {Scope | undefined} outer
   * @param {string} suffix keeps names of inner scopes apart in C++, where a function has a single scope
   */
  constructor(outer, suffix) {
    this.#outer = outer;
    this.#suffix = suffix;
  }

  /**
   * `.reg .b32 %r<5>` declares %r0 … %r4.
   * @param {string} prefix
   * @param {number} count
   * @param {import("./types.mjs").Type} type
   */
  addRegisters(prefix, count, type) {
    this.#ranges.set(prefix, { count, type });
  }

  /**
   * @param {string} ptx
   * @param {import("./types.mjs").Type} type
   * @returns {Register}
   */
  addRegister(ptx, type) {
    const register = { ptx, name: cppName("r", ptx) + this.#suffix, type };
    this.#names.set(ptx, register);
    return register;
  }

  /** @param {Omit<Variable, "name">} declaration @returns {Variable} */
  addVariable(declaration) {
    if (this.#names.has(declaration.ptx)) {
      throw new PtxError(declaration.line, `${declaration.ptx} is declared twice`);
    }
    const variable = { ...declaration, name: cppName("v", declaration.ptx) + this.#suffix };
    this.#names.set(declaration.ptx, variable);
    return variable;
  }

  /** @param {string} ptx @returns {Register | Variable | undefined} */
  find(ptx) {
    const known = this.#names.get(ptx) ?? this.#inRange(ptx);
    return known ?? this.#outer?.find(ptx);
  }

  /** @param {string} ptx @returns {Register | undefined} */
  #inRange(ptx) {
    const parts = /^(.*?\D)(0|[1-9]\d*)$/.exec(ptx);
    if (parts === null) return undefined;
    const [, prefix = "", index = ""] = parts;
    const range = this.#ranges.get(prefix);
    return range !== undefined && Number(index) < range.count ? this.addRegister(ptx, range.type) : undefined;
  }
}
