import { Emitter } from "./emitter.mjs";
import { PtxError } from "./error.mjs";
import { opcodes, ruleFor } from "./opcodes/all.mjs";
import { match } from "./rules.mjs";
import { cppName } from "./scope.mjs";

/**
 * @typedef {import("./parse.mjs").PtxFunction} PtxFunction
 * @typedef {import("./scope.mjs").Variable} Variable
 * @typedef {import("./operands.mjs").Operand} Operand
 *
 * @typedef {object} Surroundings the file of a function
 * @property {ReadonlyMap<string, PtxFunction>} functions
 * @property {ReadonlyMap<Variable, number>} shared the offset of each shared array in the shared address range
 * @property {(variable: Variable) => void} uses called for each variable of the module that is used
 */

/** Writes one function as C++. */
export class FunctionFrame {
  /** @type {Set<string>} */
  #labels = new Set();
  #fn;
  #body;
  #around;

  /**
   * @param {PtxFunction} fn
   * @param {import("./body.mjs").Body} body
   * @param {Surroundings} around
   */
  constructor(fn, body, around) {
    this.#fn = fn;
    this.#body = body;
    this.#around = around;
  }

  get isEntry() {
    return this.#fn.isEntry;
  }

  /** C++ for the shared address range. */
  get sharedWindow() {
    return "window";
  }

  /** @param {Variable} variable @returns {string} a C++ expression */
  addressOf(variable) {
    if (variable.space !== "shared") {
      if (variable.space !== "param" && variable.space !== "local") this.#around.uses(variable);
      return `u64(${variable.name})`;
    }
    const offset = this.#around.shared.get(variable);
    if (offset === undefined)
      throw new PtxError(variable.line, `${variable.ptx} has no place in shared memory`);
    return `0x${offset.toString(16)}ull`;
  }

  /** @param {Emitter} emit @returns {string} C++ for the array that `.local` accesses use */
  localMemory(emit) {
    const [memory, second] = this.#body.variables.filter(({ space }) => space === "local");
    if (memory === undefined || second !== undefined) {
      throw emit.error("only functions with one .local array of their own use local memory");
    }
    return memory.name;
  }

  /**
   * @param {Emitter} emit
   * @param {Extract<Operand, { kind: "address" }>} address in the parameter space
   * @param {number} bytes
   * @param {boolean} writes
   * @returns {string} a C++ pointer
   */
  paramPointer(emit, { base, offset }, bytes, writes) {
    if (base?.kind === "register") {
      if (!this.#fn.isEntry || writes)
        throw emit.error("only a kernel's parameters are read at computed addresses");
      const at = `u64(${emit.read(base, "u64")}) + u64(${offset}ll)`;
      return `param_bytes<${bytes}>(args, ${paramBytes(this.#fn)}, ${at}, ${emit.line})`;
    }
    if (base === undefined || base.variable.space !== "param") throw emit.error("not a parameter");
    const { variable } = base;
    if (writes && this.#fn.params.includes(variable)) throw emit.error(`${variable.ptx} is read-only`);
    if (offset < 0n || offset + BigInt(bytes) > variable.bytes) {
      throw emit.error(`${bytes} bytes at ${offset} of ${variable.ptx}, which has ${variable.bytes}`);
    }
    return `${variable.name} + ${offset}`;
  }

  /** @param {Emitter} emit @param {string} name @returns {string} the C++ label */
  label(emit, name) {
    if (!this.#labels.has(name)) throw emit.error(`there is no label ${name}`);
    return cppName("L", name);
  }

  /**
   * @param {Emitter} emit
   * @param {string} name
   * @param {Variable[]} passed results first
   * @returns {string} the C++ function
   */
  callee(emit, name, passed) {
    const callee = this.#around.functions.get(name);
    if (callee?.body === undefined || callee.isEntry) throw emit.error(`${name} has no body`);
    const expected = [...callee.returns, ...callee.params].map(({ bytes }) => bytes);
    if (expected.join() !== passed.map(({ bytes }) => bytes).join()) {
      throw emit.error(`${name} takes and gives ${expected.join(", ")} bytes`);
    }
    return cppName("f", name);
  }

  /** @returns {string} the function's definition in C++ */
  write() {
    for (const statement of this.#body.statements) {
      if (statement.kind !== "label") continue;
      if (this.#labels.has(statement.name))
        throw new PtxError(statement.line, `two labels ${statement.name}`);
      this.#labels.add(statement.name);
    }
    const emit = new Emitter(this);
    const statements = this.#body.statements.map((statement) =>
      statement.kind === "label"
        ? `${cppName("L", statement.name)}:;`
        : `  ${this.#instruction(emit, statement)}`,
    );
    for (const [register, line] of emit.reads) {
      if (!emit.writes.has(register)) throw new PtxError(line, `${register.ptx} is read and never written`);
    }
    return [`${signature(this.#fn)} {`, ...this.#declarations(emit), ...statements, "}"].join("\n");
  }

  /**
   * @param {Emitter} emit
   * @param {import("./body.mjs").Instruction} instruction
   * @returns {string}
   */
  #instruction(emit, instruction) {
    emit.at(instruction);
    const rule = ruleFor(instruction);
    const modifiers = rule && match(rule, instruction.modifiers);
    if (rule === undefined || modifiers === undefined) {
      const known = opcodes.has(instruction.opcode);
      throw emit.error(`the opcode is not translated${known ? " with these modifiers" : ""}`);
    }
    const statement = rule.write(modifiers, emit);
    const { guard } = instruction;
    if (guard === undefined) return statement;
    return `if (${emit.read({ kind: "register", ...guard }, "pred")}) { ${statement} }`;
  }

  /** @param {Emitter} emit @returns {string[]} */
  #declarations(emit) {
    /** @type {string[]} */
    const lines = [];
    if (this.#fn.isEntry) {
      const offsets = paramOffsets(this.#fn);
      this.#fn.params.forEach(({ name }, i) =>
        lines.push(`  const u8* const ${name} = args + ${offsets[i] ?? 0};`),
      );
    }
    for (const { name, space, bytes, alignment } of this.#body.variables) {
      if (space === "shared") continue;
      lines.push(`  alignas(${alignment}) u8 ${name}[${bytes}];`, `  memset(${name}, 0xff, ${bytes});`);
    }
    for (const { name, type } of new Set([...emit.reads.keys(), ...emit.writes])) {
      lines.push(`  ${type.register} ${name} = garbage<${type.register}>();`);
    }
    return lines;
  }
}

/** @param {PtxFunction} fn @returns {string} */
export function signature(fn) {
  if (fn.isEntry) return `static void ${cppName("k", fn.name)}([[maybe_unused]] const u8* args)`;
  const returns = fn.returns.map(({ name }) => `u8* ${name}`);
  const params = fn.params.map(({ name }) => `const u8* ${name}`);
  return `static void ${cppName("f", fn.name)}(${[...returns, ...params].join(", ")})`;
}

/** @param {PtxFunction} fn @returns {number[]} offset of each parameter in the argument bytes of a launch */
function paramOffsets(fn) {
  let end = 0;
  return fn.params.map(({ bytes, alignment }) => {
    const offset = Math.ceil(end / alignment) * alignment;
    end = offset + bytes;
    return offset;
  });
}

/** @param {PtxFunction} fn @returns {number} the size of a launch's arguments */
export const paramBytes = (fn) => (paramOffsets(fn).at(-1) ?? 0) + (fn.params.at(-1)?.bytes ?? 0);
