import { PtxError } from "./error.mjs";
import { specialRegisters } from "./special.mjs";
import { type } from "./types.mjs";

/**
 * @typedef {import("./operands.mjs").Operand} Operand
 * @typedef {import("./scope.mjs").Register} Register
 * @typedef {import("./types.mjs").Type} Type
 */

/**
 * Writes the operands of one instruction at a time as C++. Widths are checked by PTX's rules: they must be equal, or for loads,
 * stores and conversions at least as wide as the type.
 */
export class Emitter {
  /** @type {import("./body.mjs").Instruction} */
  #instruction = { kind: "instruction", guard: undefined, opcode: "", modifiers: [], operands: [], line: 0 };
  /** The registers that are read, with the first line that reads each. @type {Map<Register, number>} */
  reads = new Map();
  /** @type {Set<Register>} */
  writes = new Set();

  /** @param {import("./function.mjs").FunctionFrame} frame of the function that contains the instructions */
  constructor(frame) {
    this.frame = frame;
  }

  /** @param {import("./body.mjs").Instruction} instruction whose operands the following calls return */
  at(instruction) {
    this.#instruction = instruction;
  }

  get line() {
    return this.#instruction.line;
  }

  get opcode() {
    return this.#instruction.opcode;
  }

  /**
   * @param {number} least
   * @param {number} [most]
   * @returns {Operand[]}
   */
  operands(least, most = least) {
    const { operands } = this.#instruction;
    if (operands.length < least || operands.length > most) {
      throw this.error(`${operands.length} operands, expected ${least}${most > least ? ` to ${most}` : ""}`);
    }
    return operands;
  }

  /**
   * @param {number} index
   * @returns {Operand}
   */
  operand(index) {
    const operand = this.#instruction.operands[index];
    if (operand === undefined) throw this.error(`operand ${index + 1} is missing`);
    return operand;
  }

  /** @param {string} problem @returns {PtxError} */
  error(problem) {
    const { opcode, modifiers, line } = this.#instruction;
    return new PtxError(line, `${[opcode, ...modifiers].join(".")}: ${problem}`);
  }

  /**
   * @param {Operand} operand
   * @param {string} typeName
   * @param {"exact" | "wide"} [width] wide: the lower bits of a wider register
   * @returns {string} an expression of the C++ type of that name
   */
  read(operand, typeName, width = "exact") {
    const wanted = type(typeName);
    switch (operand.kind) {
      case "register":
        return this.#readRegister(operand, wanted, width);
      case "integer":
        return this.#readInteger(operand.value, wanted);
      case "f32":
      case "f64":
        if (wanted.bytes !== type(operand.kind).bytes) throw this.error(`a constant of type ${operand.kind}`);
        return convert(`0x${operand.bits.toString(16)}ull`, type(`b${8 * wanted.bytes}`), wanted);
      case "special": {
        const special = specialRegisters.get(operand.name);
        if (special === undefined) throw this.error(`${operand.name} is not declared, or not translated`);
        if (wanted.bytes !== 4 || wanted.kind === "float") throw this.error(`${operand.name} has 32 bits`);
        return convert(special, type("u32"), wanted);
      }
      case "variable":
        if (wanted.bytes !== 8 && (operand.variable.space !== "shared" || wanted.bytes !== 4)) {
          throw this.error(`an address as ${typeName}`);
        }
        return `${typeName}(${this.frame.addressOf(operand.variable)} + ${operand.offset})`;
      default:
        throw this.error(`cannot read ${operand.kind === "name" ? operand.name : `a ${operand.kind}`}`);
    }
  }

  /**
   * @param {import("./operands.mjs").RegisterOperand} operand
   * @param {Type} wanted
   * @param {"exact" | "wide"} width
   * @returns {string}
   */
  #readRegister({ register, negated }, wanted, width) {
    if (!this.reads.has(register)) this.reads.set(register, this.line);
    this.#checkWidth(register, wanted, width);
    if (negated && wanted.kind !== "predicate") throw this.error("! before something else than a predicate");
    return (negated ? "!" : "") + convert(register.name, register.type, wanted);
  }

  /**
   * @param {bigint} value
   * @param {Type} wanted
   * @returns {string}
   */
  #readInteger(value, wanted) {
    if (wanted.kind === "predicate") return String(value !== 0n);
    if (wanted.kind === "float" || wanted.kind === "half")
      throw this.error(`the integer ${value} as a float`);
    const bits = 8 * wanted.bytes;
    if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) {
      throw this.error(`${value} does not fit ${wanted.name}`);
    }
    return `${wanted.name}(0x${BigInt.asUintN(bits, value).toString(16)}ull)`;
  }

  /**
   * @param {Operand} operand
   * @param {string} typeName of the value
   * @param {string} value a C++ expression of that type
   * @param {"exact" | "wide"} [width] wide: into a wider register, sign-extended or zero-extended
   * @returns {string} a statement
   */
  write(operand, typeName, value, width = "exact") {
    if (operand.kind === "sink") return `(void)(${value});`;
    if (operand.kind !== "register" || operand.negated) throw this.error(`cannot write to a ${operand.kind}`);
    const { register } = operand;
    const given = type(typeName);
    this.writes.add(register);
    this.#checkWidth(register, given, width);
    return `${register.name} = ${convert(value, given, register.type)};`;
  }

  /**
   * @param {Register} register
   * @param {Type} wanted
   * @param {"exact" | "wide"} width
   */
  #checkWidth(register, wanted, width) {
    const fits =
      width === "wide" ? register.type.bytes >= wanted.bytes : register.type.bytes === wanted.bytes;
    const predicates = (register.type.kind === "predicate") === (wanted.kind === "predicate");
    // A float is never extended, and is never the lower bits of a wider value.
    const floats = register.type.bytes === wanted.bytes || ![register.type, wanted].some(isFloat);
    if (!fits || !predicates || !floats) {
      throw this.error(`${register.ptx} is a .${register.type.name}, not a .${wanted.name}`);
    }
  }
}

/** @param {Type} type @returns {boolean} */
const isFloat = (type) => type.kind === "float" || type.kind === "half";

/**
 * Reinterprets the bits as another type, or extends or truncates an integer.
 *
 * @param {string} value
 * @param {Type} from
 * @param {Type} to
 * @returns {string}
 */
function convert(value, from, to) {
  const fromFloat = from.kind === "float";
  const toFloat = to.kind === "float";
  if (fromFloat !== toFloat) return `bits<${to.name}>(${fromFloat ? value : `u${8 * from.bytes}(${value})`})`;
  if (fromFloat || to.kind === "predicate" || from.name === to.name) return value;
  // The cast goes through the signedness of the value's own type, which decides how a wider register is extended.
  return `${to.name}(${value})`;
}
