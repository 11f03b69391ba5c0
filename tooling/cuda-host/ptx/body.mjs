import { PtxError } from "./error.mjs";
import { parseOperand } from "./operands.mjs";
import { Scope } from "./scope.mjs";
import { typeNamed } from "./types.mjs";
import { parseVariable } from "./variables.mjs";

/**
 * @typedef {object} Instruction
 * @property {"instruction"} kind
 * @property {{ register: import("./scope.mjs").Register, negated: boolean } | undefined} guard `@%p1`
 * @property {string} opcode the first word: `ld` of ld.global.f32
 * @property {string[]} modifiers the others: global, f32
 * @property {import("./operands.mjs").Operand[]} operands
 * @property {number} line
 *
 * @typedef {{ kind: "label", name: string, line: number }} Label
 *
 * @typedef {object} Body
 * @property {(Instruction | Label)[]} statements
 * @property {import("./scope.mjs").Variable[]} variables declared inside
 */

/**
 * @param {import("./tokens.mjs").Reader} reader at the function's `{`
 * @param {Scope} functionScope
 * @returns {Body}
 */
export function parseBody(reader, functionScope) {
  /** @type {Body} */
  const body = { statements: [], variables: [] };
  /** @type {Scope[]} */
  const scopes = [];
  let scope = functionScope;
  let scopeCount = 0;
  for (;;) {
    const token = reader.take();
    if (token.text === "{") {
      scopes.push(scope);
      scope = new Scope(scope, scopeCount === 0 ? "" : `_${scopeCount}`);
      scopeCount++;
    } else if (token.text === "}") {
      const outer = scopes.pop();
      if (outer === undefined) throw new PtxError(token.line, "unexpected }");
      scope = outer;
      if (scopes.length === 0) return body;
    } else if (token.kind === "directive") {
      parseDirective(reader, scope, token, body);
    } else if (token.kind === "word" && reader.accept(":")) {
      body.statements.push({ kind: "label", name: token.text, line: token.line });
    } else if (token.text !== ";") {
      body.statements.push(parseInstruction(reader, scope, token));
    }
  }
}

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {Scope} scope
 * @param {import("./tokens.mjs").Token} directive
 * @param {Body} body
 */
function parseDirective(reader, scope, directive, body) {
  switch (directive.text) {
    case ".reg":
      parseRegisters(reader, scope);
      break;
    case ".local":
    case ".shared":
    case ".param":
      body.variables.push(parseVariable(reader, scope, directive.text));
      break;
    case ".pragma":
      // Hints for the compiler of the machine code, such as "nounroll".
      reader.takeKind("string");
      break;
    default:
      throw new PtxError(directive.line, `directive ${directive.text} is not translated`);
  }
  reader.expect(";");
}

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {Scope} scope
 */
function parseRegisters(reader, scope) {
  const token = reader.takeKind("directive");
  const type = typeNamed(token.text.slice(1));
  if (type === undefined || type.bytes === 1) {
    throw new PtxError(token.line, `registers of type ${token.text} are not translated`);
  }
  do {
    const name = reader.takeKind("word").text;
    if (reader.accept("<")) {
      scope.addRegisters(name, reader.takeCount(), type);
      reader.expect(">");
    } else {
      scope.addRegister(name, type);
    }
  } while (reader.accept(","));
}

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {Scope} scope
 * @param {import("./tokens.mjs").Token} first
 * @returns {Instruction}
 */
function parseInstruction(reader, scope, first) {
  /** @type {Instruction["guard"]} */
  let guard;
  let opcode = first;
  if (first.text === "@") {
    const negated = reader.accept("!");
    const name = reader.takeKind("word");
    const register = scope.find(name.text);
    if (register === undefined || !("type" in register) || register.type.kind !== "predicate") {
      throw new PtxError(name.line, `${name.text} is not a predicate`);
    }
    guard = { register, negated };
    opcode = reader.takeKind("word");
  } else if (first.kind !== "word") {
    throw new PtxError(first.line, `unexpected ${first.text}`);
  }
  /** @type {import("./operands.mjs").Operand[]} */
  const operands = [];
  if (!reader.accept(";")) {
    do operands.push(parseOperand(reader, scope));
    while (reader.accept(","));
    reader.expect(";");
  }
  const [name = "", ...modifiers] = opcode.text.split(".");
  return { kind: "instruction", guard, opcode: name, modifiers, operands, line: opcode.line };
}
