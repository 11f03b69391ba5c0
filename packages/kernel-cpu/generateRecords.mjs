// Generates the host's half of the argument records from the compiled assembly: the type of each record class, the function
// that writes one, and the record of each job. Names, offsets and types come from the compiler, so that the two halves
// cannot disagree. assembly/records.ts has the rules that assembly files follow.

/** How the host writes a field, by the type that its declaration names. */
const kinds = {
  Pointer: { type: "Pointer", view: "words", encode: (value) => `addressOf(${value})` },
  OptionalPointer: { type: "Pointer | undefined", view: "words", encode: (value) => `addressOf(${value})` },
  Flag: { type: "boolean", view: "words", encode: (value) => `${value} ? 1 : 0` },
  StorageType: { type: "StorageType", view: "words", encode: (value) => `storageTypeOf(${value})` },
  i32: { type: "number", view: "words", encode: (value) => value },
  u32: { type: "number", view: "words", encode: (value) => value },
  f32: { type: "number", view: "floats", encode: (value) => value },
};

/**
 * Returns the text of src/generated/records.ts.
 *
 * @param program the compiled program of AssemblyScript
 * @throws Error when a job or a record in assembly/ does not follow the rules
 */
export function generateRecords(program) {
  const exports = exportsOf(program.filesByName.get("assembly/index"));
  const jobs = jobsOf(exports);
  const classes = new Map();
  const add = (record) => {
    classes.set(record.name, record);
    if (record.base) add(record.base);
  };
  for (const record of jobs.values()) add(record);
  for (const element of exports.values()) {
    const record = element.instances?.get("");
    if (record?.members && !record.signature) add(record);
  }
  const sorted = [...classes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const longest = Math.max(...sorted.map((record) => record.nextMemoryOffset));
  return `// Made by buildWasm.mjs from assembly/: see generateRecords.mjs.
import type { DType } from "@mamba/kernel";
import type { Pointer, RecordMemory } from "../records.ts";

${constantsOf(exports)}
/** The layouts in which a weight can lie in memory. */
export type StorageType = DType | "packedF16";

/** Numbers of the storage types that a weight can have; undefined for types that it cannot have. */
export const storageTypes: Readonly<Partial<Record<DType, number>>> = {
  f32: F32, f16: F16, bf16: BF16, q8_0: Q8_0, q4_0: Q4_0, q4_1: Q4_1, q5_0: Q5_0, q5_1: Q5_1, iq4_nl: IQ4_NL,
  q4_k: Q4_K, q5_k: Q5_K, q6_k: Q6_K,
};

/** The number of a layout. */
function storageTypeOf(layout: StorageType): number {
  const type = layout === "packedF16" ? F16_PACKED : storageTypes[layout];
  if (type === undefined) throw new Error(\`no job takes a weight of type \${layout}\`);
  return type;
}

/** The address in bytes, 0 for an absent tensor. */
function addressOf(pointer: Pointer | undefined): number {
  if (pointer === undefined) return 0;
  return typeof pointer === "number" ? pointer : pointer.address;
}

/** Bytes of the longest record. */
export const recordBytes = ${longest};

${sorted.map(recordText).join("\n")}
/** The writer of each job's record. */
export const jobRecords = {
${[...jobs].map(([job, { name }]) => `  ${job}: write${name},\n`).join("")}} as const;
`;
}

/** All exported elements of a file by name, those of `export *` included. */
function exportsOf(file) {
  const inner = (file.exportsStar ?? []).flatMap((other) => [...exportsOf(other)]);
  return new Map([...inner, ...(file.exports ?? [])]);
}

/** The constants that assembly/index.ts exports. */
function constantsOf(exports) {
  let text = "";
  for (const [name, { initializerNode }] of exports) {
    if (!initializerNode) continue;
    const value = Number(initializerNode.value);
    if (!Number.isInteger(value)) throw new Error(`${name}: an exported constant must be an integer literal`);
    text += `export const ${name} = ${value};\n`;
  }
  return text;
}

/** The record class of each job, by the job's name. */
function jobsOf(exports) {
  const jobs = new Map();
  for (const name of exports.keys()) {
    const job = /^(.+)Run$/.exec(name)?.[1];
    if (job === undefined) continue;
    const record = recordOf(exports, name, ["i32", "i32", "usize"], "void");
    const units = recordOf(exports, `${job}Units`, [], "i32");
    const scratch = exports.has(`${job}Scratch`) ? recordOf(exports, `${job}Scratch`, [], "i32") : record;
    if (units !== record || scratch !== record)
      throw new Error(`${job}: its functions take different records`);
    jobs.set(job, record);
  }
  for (const name of exports.keys()) {
    const job = /^(.+)(Units|Scratch)$/.exec(name)?.[1];
    if (job !== undefined && !jobs.has(job)) throw new Error(`${name}: there is no ${job}Run`);
  }
  return jobs;
}

/** The record class that the exported function `name` takes, followed by parameters of the types `rest`. */
function recordOf(exports, name, rest, result) {
  const signature = exports.get(name)?.instances?.get("")?.signature;
  if (!signature) throw new Error(`${name}: assembly/index.ts exports no such function`);
  const [first, ...others] = signature.parameterTypes;
  const record = first?.classReference;
  const found = `(${others.join(", ")}): ${signature.returnType}`;
  if (!record || found !== `(${rest.join(", ")}): ${result}`) {
    throw new Error(`${name}: expected (args: <record class>, ${rest.join(", ")}): ${result}`);
  }
  return record;
}

/** The type and the writer of one record class. The fields of its base class are together in one field. */
function recordText(record) {
  const { name, base } = record;
  const fields = [...record.members].filter(([field]) => !base?.members.has(field));
  const types = [];
  const writes = [];
  if (base) {
    types.push(`readonly ${lowerFirst(base.name)}: ${base.name};`);
    writes.push(`write${base.name}(to, at, record.${lowerFirst(base.name)});`);
  }
  for (const [field, member] of fields) {
    const declared = member.fieldDeclaration?.type.name.identifier.text;
    const kind = kinds[declared];
    if (!kind) throw new Error(`${name}.${field}: the host cannot write a field of type ${declared}`);
    const offset = record.offsetof(field);
    const index = `at + ${offset / 4}`;
    types.push(`readonly ${field}: ${kind.type};`);
    writes.push(`to.${kind.view}[${index}] = ${kind.encode(`record.${field}`)};`);
  }
  return `/** Bytes of a record. */
export const ${lowerFirst(name)}Bytes = ${record.nextMemoryOffset};

export interface ${name} {
  ${types.join("\n  ")}
}

/** Writes a record at word \`at\` of the memory. */
export function write${name}(to: RecordMemory, at: number, record: ${name}): void {
  ${writes.join("\n  ")}
}
`;
}

function lowerFirst(name) {
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
}
