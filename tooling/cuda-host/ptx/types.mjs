/**
 * PTX types in the generated C++: they have PTX's names and are declared in include/types.h. Registers are unsigned integers,
 * floats and booleans; an instruction with a signed or untyped operand reinterprets them.
 *
 * @typedef {object} Type
 * @property {string} name
 * @property {number} bytes 0 for a predicate
 * @property {"unsigned" | "signed" | "bits" | "float" | "half" | "predicate"} kind half: a float in 16 bits,
 *   without arithmetic
 * @property {string} register the C++ type of a register of this type
 */

/** @type {Type[]} */
const list = [
  ...[1, 2, 4, 8].flatMap((bytes) => {
    const register = `u${bytes * 8}`;
    return [
      { name: `u${bytes * 8}`, bytes, kind: /** @type {const} */ ("unsigned"), register },
      { name: `s${bytes * 8}`, bytes, kind: /** @type {const} */ ("signed"), register },
      { name: `b${bytes * 8}`, bytes, kind: /** @type {const} */ ("bits"), register },
    ];
  }),
  { name: "f16", bytes: 2, kind: "half", register: "u16" },
  { name: "f32", bytes: 4, kind: "float", register: "f32" },
  { name: "f64", bytes: 8, kind: "float", register: "f64" },
  { name: "pred", bytes: 0, kind: "predicate", register: "bool" },
];

const types = new Map(list.map((type) => [type.name, type]));

/**
 * @param {string} name without its dot
 * @returns {Type | undefined}
 */
export const typeNamed = (name) => types.get(name);

/**
 * @param {string} name of a type that is known to exist
 * @returns {Type}
 */
export function type(name) {
  const found = types.get(name);
  if (found === undefined) throw new TypeError(`no PTX type ${name}`);
  return found;
}
