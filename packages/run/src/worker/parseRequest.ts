import {
  bytes,
  checkFields,
  describe,
  index,
  isObject,
  object,
  type Rule,
  type Rules,
  text,
} from "../checkFields.ts";
import { RunError } from "../errors.ts";
import { sourceRule } from "../model/checkOpenOptions.ts";
import { protocolVersion, type Request } from "./protocol.ts";

type RequestOf<T extends Request["type"]> = Extract<Request, { readonly type: T }>;
type FieldRules = { readonly [T in Request["type"]]: Rules<Omit<RequestOf<T>, "type">> };

const prompt: Rule = [
  (value) => typeof value === "string" || (Array.isArray(value) && value.every(Number.isSafeInteger)),
  "a text or token ids",
];
const message: Rule = [
  (value) => typeof value === "string" || isObject(value) || (Array.isArray(value) && value.every(isObject)),
  "a text, a message or messages",
];

const chatRequest = { id: index, chat: index };
const rules: FieldRules = {
  open: { id: index, version: index, source: sourceRule, options: object, lock: text },
  generate: { id: index, prompt, options: object },
  chat: { ...chatRequest, options: object },
  restore: { ...chatRequest, bytes, options: object },
  fork: { ...chatRequest, fork: index, index },
  prepare: chatRequest,
  send: { ...chatRequest, message, options: object },
  regenerate: { ...chatRequest, options: object },
  edit: { ...chatRequest, index, content: text, options: object },
  save: { ...chatRequest, options: object },
  leave: chatRequest,
  memory: { id: index },
  close: { id: index },
  taken: { id: index },
  abort: { id: index },
};

/** Fields that a request may lack. */
const optional = new Set(["fork.index"]);

/** The id that a message names, as far as it can be told; undefined for none. */
export function requestId(data: unknown): number | undefined {
  const id = isObject(data) ? data["id"] : undefined;
  return index[0](id) ? (id as number) : undefined;
}

/**
 * Checks that a message is a request of this version of the protocol. The values of options are checked by the functions that take them.
 *
 * @throws RunError `PROTOCOL`, naming the field and its rule
 */
export function parseRequest(data: unknown): Request {
  if (!isObject(data)) throw new RunError("PROTOCOL", `worker: expected a request, got ${describe(data)}`);
  const { type, ...fields } = data;
  if (typeof type !== "string" || !Object.hasOwn(rules, type))
    throw new RunError("PROTOCOL", `worker: there is no request ${describe(type)}`);
  const { version = protocolVersion } = fields;
  if (version !== protocolVersion) {
    const message = `worker: its protocol has version ${protocolVersion}, the request ${describe(version)}`;
    throw new RunError("PROTOCOL", `${message}; use one release of the package on both sides`);
  }
  const expected: Rules<Record<string, unknown>> = rules[type as Request["type"]];
  const required = Object.keys(expected).filter((name) => !optional.has(`${type}.${name}`));
  checkFields(`worker: request ${type}`, fields, expected, { code: "PROTOCOL", required });
  return data as unknown as Request;
}
