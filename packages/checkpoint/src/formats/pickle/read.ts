import { Machine } from "./machine.ts";
import { PickleDict, PickleList, PickleTuple, type PickleValue } from "./values.ts";

/**
 * Reads a pickle as `torch.save` writes it (protocols 2 to 5), on a stack machine that knows the opcodes for numbers, strings,
 * tuples, lists, dictionaries, tensors and storages, and no others. Values are descriptions of data: no code is run, whatever the
 * pickle asks for.
 *
 * @param where names the pickle in messages
 * @throws CheckpointError `PICKLE` for an opcode, a class or a function that is not allowed, and for bytes that are no pickle;
 * `SHAPE`, `DUPLICATE_KEY`, `TOO_LARGE`
 */
export function readPickle(bytes: Uint8Array, where: string): PickleValue {
  const machine = new Machine(bytes, where);
  const [first, protocol] = bytes.length < 2 ? [] : [machine.u8(), machine.u8()];
  if (first !== codes.proto || protocol === undefined || protocol < 2 || protocol > 5) {
    machine.fail("expected a pickle of protocol 2 to 5");
  }
  for (let code = machine.u8(); code !== codes.stop; code = machine.u8()) {
    const run = opcodes.get(code);
    if (run) run(machine);
    else {
      const name = `0x${code.toString(16).padStart(2, "0")}`;
      machine.fail(`the opcode ${name} at byte ${machine.position - 1} is not one of those for tensors`);
    }
  }
  return machine.finish();
}

const codes = { proto: 0x80, stop: 0x2e };

/** The opcodes that `torch.save` uses for tensors, under the names of Python's `pickletools`. */
const opcodes: ReadonlyMap<number, (machine: Machine) => void> = new Map([
  [0x28, (m) => m.mark()], // MARK
  [0x29, (m) => m.add(new PickleTuple([]))], // EMPTY_TUPLE
  [0x47, (m) => m.push(m.f64())], // BINFLOAT
  [0x4a, (m) => m.push(m.i32())], // BININT
  [0x4b, (m) => m.push(m.u8())], // BININT1
  [0x4d, (m) => m.push(m.u16())], // BININT2
  [0x4e, (m) => m.push(null)], // NONE
  [0x51, (m) => m.persistent()], // BINPERSID
  [0x52, (m) => m.reduce()], // REDUCE
  [0x58, (m) => m.push(m.text(m.u32()))], // BINUNICODE
  [0x5d, (m) => m.add(new PickleList())], // EMPTY_LIST
  [0x61, (m) => m.append(m.popMany(1))], // APPEND
  [0x62, (m) => m.build()], // BUILD
  [0x63, (m) => m.global([m.line(), m.line()])], // GLOBAL
  [0x65, (m) => m.append(m.popMark())], // APPENDS
  [0x68, (m) => m.get(m.u8())], // BINGET
  [0x6a, (m) => m.get(m.u32())], // LONG_BINGET
  [0x71, (m) => m.put(m.u8())], // BINPUT
  [0x72, (m) => m.put(m.u32())], // LONG_BINPUT
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x74, (m) => m.add(new PickleTuple(m.popMark()))], // TUPLE
  [0x75, (m) => m.setItems(m.popMark())], // SETITEMS
  [0x7d, (m) => m.add(new PickleDict())], // EMPTY_DICT
  [0x85, (m) => m.add(new PickleTuple(m.popMany(1)))], // TUPLE1
  [0x86, (m) => m.add(new PickleTuple(m.popMany(2)))], // TUPLE2
  [0x87, (m) => m.add(new PickleTuple(m.popMany(3)))], // TUPLE3
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x8a, (m) => m.push(m.long())], // LONG1
  [0x8c, (m) => m.push(m.text(m.u8()))], // SHORT_BINUNICODE
  [0x93, (m) => m.global(m.popMany(2))], // STACK_GLOBAL
  [0x94, (m) => m.put()], // MEMOIZE
  [0x95, (m) => m.skip(8)], // FRAME: only helps a reader of streams
]);
