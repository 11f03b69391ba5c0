import { PtxError } from "./error.mjs";

/**
 * @typedef {{ kind: "register", register: import("./scope.mjs").Register, negated: boolean }} RegisterOperand
 * @typedef {{ kind: "variable", variable: import("./scope.mjs").Variable, offset: bigint }} VariableOperand
 * @typedef {RegisterOperand
 *   | VariableOperand
 *   | { kind: "special", name: string }
 *   | { kind: "integer", value: bigint }
 *   | { kind: "f32" | "f64", bits: bigint }
 *   | { kind: "address", base: RegisterOperand | VariableOperand | undefined, offset: bigint }
 *   | { kind: "vector" | "list" | "pair", items: Operand[] }
 *   | { kind: "name", name: string }
 *   | { kind: "sink" }} Operand special: a read-only register; vector: {a, b}; list: (a, b); pair: a|b; name: a label
 *   or a function; sink: _, a result that is discarded
 */

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {import("./scope.mjs").Scope} scope
 * @returns {Operand}
 */
export function parseOperand(reader, scope) {
  const token = reader.next;
  if (reader.accept("{")) return { kind: "vector", items: parseItems(reader, scope, "}") };
  if (reader.accept("(")) return { kind: "list", items: parseItems(reader, scope, ")") };
  if (reader.accept("[")) return parseAddress(reader, scope);
  if (reader.accept("!")) {
    const operand = parseName(reader, scope);
    if (operand.kind !== "register") throw new PtxError(token.line, "! needs a predicate");
    return { ...operand, negated: true };
  }
  if (token.kind === "number" || token.text === "-") return parseNumber(reader);
  const operand = parseName(reader, scope);
  if (reader.accept("|")) return { kind: "pair", items: [operand, parseName(reader, scope)] };
  return operand.kind === "variable" ? { ...operand, offset: parseOffset(reader) } : operand;
}

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {import("./scope.mjs").Scope} scope
 * @param {string} end
 * @returns {Operand[]}
 */
function parseItems(reader, scope, end) {
  /** @type {Operand[]} */
  const items = [];
  if (reader.accept(end)) return items;
  do items.push(parseOperand(reader, scope));
  while (reader.accept(","));
  reader.expect(end);
  return items;
}

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {import("./scope.mjs").Scope} scope
 * @returns {Operand}
 */
function parseAddress(reader, scope) {
  const token = reader.next;
  /** @type {Operand} */
  let operand;
  if (token.kind === "number") {
    operand = { kind: "address", base: undefined, offset: integer(reader.take()) };
  } else {
    const base = parseName(reader, scope);
    if (base.kind !== "register" && base.kind !== "variable") {
      throw new PtxError(token.line, `${token.text} is not declared`);
    }
    operand = { kind: "address", base, offset: parseOffset(reader) };
  }
  reader.expect("]");
  return operand;
}

/** @param {import("./tokens.mjs").Reader} reader @returns {bigint} of `+4`, `+-4`, `-4`, or 0 for nothing */
function parseOffset(reader) {
  if (!reader.accept("+") && reader.next.text !== "-") return 0n;
  const negative = reader.accept("-");
  const offset = integer(reader.takeKind("number"));
  return negative ? -offset : offset;
}

/** @param {import("./tokens.mjs").Reader} reader @returns {Operand} */
function parseNumber(reader) {
  const negative = reader.accept("-");
  const token = reader.takeKind("number");
  const isFloat = /^0[fFdD]/.test(token.text);
  if (!isFloat) return { kind: "integer", value: negative ? -integer(token) : integer(token) };
  if (negative) throw new PtxError(token.line, "a sign before a float's bits");
  return { kind: /^0[fF]/.test(token.text) ? "f32" : "f64", bits: BigInt(`0x${token.text.slice(2)}`) };
}

/** @param {import("./tokens.mjs").Token} token @returns {bigint} */
function integer(token) {
  const digits = token.text.replace(/U$/, "");
  if (/^0\d/.test(digits)) throw new PtxError(token.line, `octal number ${token.text}`);
  try {
    return BigInt(digits);
  } catch {
    throw new PtxError(token.line, `expected an integer, got ${token.text}`);
  }
}

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {import("./scope.mjs").Scope} scope
 * @returns {Operand}
 */
function parseName(reader, scope) {
  const { text, line } = reader.takeKind("word");
  if (text === "_") return { kind: "sink" };
  const found = scope.find(text);
  if (found === undefined) {
    if (!text.startsWith("%")) return { kind: "name", name: text };
    return { kind: "special", name: text };
  }
  if ("type" in found) return { kind: "register", register: found, negated: false };
  if (line < found.line) throw new PtxError(line, `${text} is used before its declaration`);
  return { kind: "variable", variable: found, offset: 0n };
}
