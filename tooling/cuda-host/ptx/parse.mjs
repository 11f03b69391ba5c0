import { PtxError } from "./error.mjs";
import { parseBody } from "./body.mjs";
import { Scope } from "./scope.mjs";
import { Reader, tokenize } from "./tokens.mjs";
import { parseVariable } from "./variables.mjs";

/**
 * @typedef {object} Module
 * @property {import("./scope.mjs").Variable[]} variables of the module: constant tables, shared arrays
 * @property {PtxFunction[]} functions in the order of the PTX
 *
 * @typedef {object} PtxFunction
 * @property {string} name
 * @property {boolean} isEntry true for a GPU kernel
 * @property {number} maxThreads of a block
 * @property {import("./scope.mjs").Variable[]} returns
 * @property {import("./scope.mjs").Variable[]} params
 * @property {import("./body.mjs").Body | undefined} body undefined: declared only
 * @property {number} line
 */

/** @param {string} text of a PTX file @returns {Module} */
export function parseModule(text) {
  const reader = new Reader(tokenize(text));
  const scope = new Scope(undefined, "");
  /** @type {Module} */
  const module = { variables: [], functions: [] };
  while (reader.next.kind !== "end") {
    const { text: directive, line } = reader.takeKind("directive");
    switch (directive) {
      case ".version":
        // The version is written as a decimal fraction.
        reader.takeKind("number");
        reader.takeKind("directive");
        break;
      case ".target":
        do reader.takeKind("word");
        while (reader.accept(","));
        break;
      case ".address_size":
        if (reader.takeCount() !== 64) throw new PtxError(line, "only 64-bit addresses are translated");
        break;
      case ".visible":
      case ".weak":
      case ".extern":
        break;
      case ".entry":
      case ".func":
        module.functions.push(parseFunction(reader, scope, directive === ".entry", line));
        break;
      case ".global":
      case ".const":
      case ".shared":
        module.variables.push(parseVariable(reader, scope, directive));
        reader.expect(";");
        break;
      default:
        throw new PtxError(line, `directive ${directive} is not translated`);
    }
  }
  return module;
}

/**
 * @param {Reader} reader
 * @param {Scope} outer
 * @param {boolean} isEntry
 * @param {number} line
 * @returns {PtxFunction}
 */
function parseFunction(reader, outer, isEntry, line) {
  const scope = new Scope(outer, "");
  const returns = isEntry ? [] : parseParams(reader, scope);
  const name = reader.takeKind("word").text;
  const params = parseParams(reader, scope);
  let maxThreads = 1024;
  while (reader.next.kind === "directive") {
    const directive = reader.take();
    if (directive.text === ".maxntid" || directive.text === ".reqntid") {
      maxThreads = reader.takeCount();
      while (reader.accept(",")) maxThreads *= reader.takeCount();
    } else if (directive.text === ".minnctapersm" || directive.text === ".maxnreg") {
      // Hints for the compiler of the machine code.
      reader.takeCount();
    } else if (directive.text !== ".noreturn") {
      throw new PtxError(directive.line, `directive ${directive.text} is not translated`);
    }
  }
  const body = reader.accept(";") ? undefined : parseBody(reader, scope);
  return { name, isEntry, maxThreads, returns, params, body, line };
}

/**
 * @param {Reader} reader
 * @param {Scope} scope
 * @returns {import("./scope.mjs").Variable[]}
 */
function parseParams(reader, scope) {
  /** @type {import("./scope.mjs").Variable[]} */
  const params = [];
  if (!reader.accept("(")) return params;
  if (reader.accept(")")) return params;
  do {
    reader.expect(".param");
    params.push(parseVariable(reader, scope, ".param"));
  } while (reader.accept(","));
  reader.expect(")");
  return params;
}
