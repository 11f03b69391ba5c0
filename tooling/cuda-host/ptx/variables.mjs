import { PtxError } from "./error.mjs";
import { typeNamed } from "./types.mjs";

/**
 * Reads a declaration such as `.shared .align 4 .b8 name[128]` after the state space, up to the `;`.
 *
 * @param {import("./tokens.mjs").Reader} reader
 * @param {import("./scope.mjs").Scope} scope where the name goes
 * @param {string} space with its dot
 * @returns {import("./scope.mjs").Variable}
 */
export function parseVariable(reader, scope, space) {
  let alignment = 0;
  let token = reader.takeKind("directive");
  if (token.text === ".align") {
    alignment = reader.takeCount();
    token = reader.takeKind("directive");
  }
  const type = typeNamed(token.text.slice(1));
  if (type === undefined || type.bytes === 0)
    throw new PtxError(token.line, `variable of type ${token.text}`);
  // `.param .u64 .ptr .global .align 16 name` gives the target of a pointer, which does not affect execution.
  if (reader.accept(".ptr")) {
    while (reader.next.kind === "directive") {
      if (reader.take().text === ".align") reader.takeCount();
    }
  }
  const { text: ptx, line } = reader.takeKind("word");
  let count = 1;
  while (reader.accept("[")) {
    if (reader.next.text === "]") throw new PtxError(line, `${ptx} has no size`);
    count *= reader.takeCount();
    reader.expect("]");
  }
  const values = reader.accept("=") ? parseValues(reader, type.bytes) : undefined;
  return scope.addVariable({
    ptx,
    space: /** @type {import("./scope.mjs").Variable["space"]} */ (space.slice(1)),
    bytes: count * type.bytes,
    alignment: Math.max(alignment, type.bytes),
    ...(values === undefined ? {} : { values }),
    line,
  });
}

/**
 * @param {import("./tokens.mjs").Reader} reader
 * @param {number} bytes of one value
 * @returns {number[]} little-endian
 */
function parseValues(reader, bytes) {
  /** @type {number[]} */
  const all = [];
  const listed = reader.accept("{");
  do {
    const negative = reader.accept("-");
    const token = reader.takeKind("number");
    const digits = /^0[fFdD]/.test(token.text) ? `0x${token.text.slice(2)}` : token.text.replace(/U$/, "");
    const value = BigInt.asUintN(8 * bytes, negative ? -BigInt(digits) : BigInt(digits));
    for (let byte = 0; byte < bytes; byte++) all.push(Number((value >> BigInt(8 * byte)) & 255n));
  } while (listed && reader.accept(","));
  if (listed) reader.expect("}");
  return all;
}
