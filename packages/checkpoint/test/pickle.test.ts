import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { generate } from "@mamba/core";
import { bytesSource } from "@mamba/core/safetensors";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { inspectCheckpoint, loadCheckpoint, openPickle, openSafetensors } from "../src/index.ts";
import { folderWith, refusal } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tensorsOf, tinyConfig, tinyFiles, tinyInput } from "./support/models.ts";
import * as make from "./support/pickles.ts";

const goldens = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));
const golden = (name: string) => `${goldens}pickle/${name}`;

test.each([2, 3, 4, 5])("protocol %i of PyTorch: the tensors of the safetensors file", async (protocol) => {
  await using twin = await openSafetensors(golden("kinds.safetensors"));
  await using file = await openPickle(golden(`kinds-${protocol}.bin`));
  expect(twin.tensors.size).toBe(14);
  for (const [name, { dtype, shape, byteLength }] of twin.tensors) {
    expect(file.tensors.get(name)).toMatchObject({ name, dtype, shape, byteLength });
    expect(await file.read(name)).toEqual(await twin.read(name));
  }
  const offset = (name: string) => file.tensors.get(name)?.byteOffset;
  expect(offset("head")).toBe(offset("table"));
  expect(Number(offset("rows")) - Number(offset("first"))).toBe(32);
  const order = [...file.tensors.values()].map(({ byteOffset }) => byteOffset);
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

test("other storage types of PyTorch, and bytes of a range", async () => {
  await using file = await openPickle(bytesSource(await readFile(golden("kinds-2.bin"))));
  const read = async (name: string) => (await file.read(name)).buffer;
  expect([...new BigInt64Array(await read("i64"))]).toEqual([1n, -(2n ** 40n)]);
  expect([...new Int32Array(await read("i32"))]).toEqual([1, -2]);
  expect([...new Int16Array(await read("i16"))]).toEqual([1, -2]);
  expect([...new Int8Array(await read("i8"))]).toEqual([1, -2]);
  expect([...new Uint8Array(await read("u8"))]).toEqual([1, 255]);
  expect([...new Uint8Array(await read("bool"))]).toEqual([1, 0]);
  expect(new Float64Array(await read("f64")).every(Number.isFinite)).toBe(true);
  const all = await file.read("flat");
  const chunks: number[] = [];
  for await (const chunk of file.chunks("flat", new Uint8Array(7), [3, 33])) chunks.push(...chunk);
  expect(chunks).toEqual([...all.subarray(3, 33)]);
  expect(await refusal(() => file.read("none"))).toMatchObject({ code: "MISSING_TENSOR" });
});

test.each([
  ["refused-strides.bin", "SHAPE", 'tensor "w" has shape [3, 2] and strides [1, 3]'],
  ["refused-module.bin", "PICKLE", '"torch.nn.modules.linear.Linear"'],
  ["refused-nested.bin", "PICKLE", 'the entry "model" is a dictionary'],
  ["refused-class.bin", "PICKLE", '"torch.float16"'],
  ["refused-legacy.bin", "PICKLE", "before version 1.6"],
  ["refused-tensor.bin", "PICKLE", "got a tensor"],
])("%s is refused", async (name, code, words) => {
  expect(await refusal(() => openPickle(golden(name)))).toMatchObject({
    code,
    message: expect.stringContaining(words) as string,
  });
});

test.each(["", "-f16", "-bf16"])(
  "a state-spaces folder%s gives the logits of its safetensors twin",
  async (suffix) => {
    await using kernel = await createCpuKernel({ threads: 1 });
    const logitsOf = async (folder: string) => {
      const { model, format, notes } = await loadCheckpoint(kernel, folder);
      using ids = kernel.upload(Int32Array.of(5, 17, 2, 9, 60, 33), [1, 6], "i32");
      using logits = model.forward(ids);
      const [values] = await kernel.read(logits);
      const greedy: number[] = [];
      const options = { temperature: 0, maxTokens: 10, stopIds: [] };
      for await (const { id } of generate(model, [5, 17, 2], options)) greedy.push(id);
      model.dispose();
      return { values, greedy, format, notes };
    };
    const { values, greedy, format, notes } = await logitsOf(golden(`state-spaces${suffix}`));
    const twin = await logitsOf(`${goldens}lm-tied${suffix}`);
    expect(format).toBe("state-spaces");
    expect(notes).toEqual([expect.stringContaining("lm_head.weight") as string]);
    const columns = Array.from(twin.values ?? []).filter((_, i) => i % 96 < 93); // the config says 93 of 96 rows
    expect(Array.from(values ?? [])).toEqual(columns);
    expect(greedy).toEqual(twin.greedy);
    const [summary, other] = [
      await inspectCheckpoint(golden(`state-spaces${suffix}`)),
      await inspectCheckpoint(`${goldens}lm-tied${suffix}`),
    ];
    expect(summary.files).toEqual(["pytorch_model.bin"]);
    expect(summary.weightBytes).toBe(other.weightBytes); // the tied head counts once
    expect(summary.parameterCount).toBe(other.parameterCount);
  },
);

test("safetensors come first; a pickle and its shards load as safetensors do", async () => {
  const tensors = tensorsOf(tinyInput);
  const load = async (files: Record<string, unknown>) => {
    const kernel = hostKernel();
    const { model } = await loadCheckpoint(kernel, await folderWith({ "config.json": tinyConfig, ...files }));
    const values = await kernel.read(...model.parameters.values());
    model.dispose();
    return values;
  };
  const expected = await load(await tinyFiles());
  const half = Math.floor(tensors.length / 2);
  const shards = {
    "a-00001.bin": await make.torchModel(tensors.slice(0, half)),
    "a-00002.bin": await make.torchModel(tensors.slice(half)),
  };
  const map = Object.fromEntries(
    tensors.map(({ name }, i) => [name, i < half ? "a-00001.bin" : "a-00002.bin"]),
  );
  const index = { "pytorch_model.bin.index.json": { weight_map: map } };
  expect(await load({ "pytorch_model.bin": await make.torchModel(tensors) })).toEqual(expected);
  expect(await load({ ...shards, ...index })).toEqual(expected);
  expect(await load({ ...(await tinyFiles()), "pytorch_model.bin": "not read" })).toEqual(expected);
  const changed = { ...map, "backbone.norm_f.weight": "model.safetensors" };
  const mixed = { ...shards, "pytorch_model.bin.index.json": { weight_map: changed } };
  expect(await refusal(() => load(mixed))).toMatchObject({ code: "INDEX" });
});

test("a download, which reads forward only and may hide its size, is opened again", async () => {
  const tensors = tensorsOf(tinyInput);
  const files = {
    "config.json": JSON.stringify(tinyConfig),
    "pytorch_model.bin": await make.torchModel(tensors),
  };
  for (const size of [true, false]) {
    let opened = 0;
    const kernel = hostKernel();
    const { model } = await loadCheckpoint(kernel, {
      label: "stream",
      open: (name) => {
        const content = new Map<string, string | Uint8Array>(Object.entries(files)).get(name);
        if (content === undefined) return Promise.resolve(undefined);
        opened++;
        const bytes = make.concat([content]);
        let last = 0;
        return Promise.resolve({
          ...bytesSource(bytes, name),
          size: size ? bytes.length : undefined,
          read(offset: number, into: Uint8Array) {
            if (offset < last) throw new RangeError("goes back");
            last = offset;
            return bytesSource(bytes).read(offset, into);
          },
        });
      },
    });
    expect(opened).toBeGreaterThan(2);
    model.dispose();
    expect(kernel.memory().tensors).toBe(0);
  }
});

const good = make.pickle(make.dict([["w", make.tensor()]]));
const zip64 = await readFile(golden("kinds-2.bin"));
const edit = (change: (bytes: Uint8Array, view: DataView) => void) => {
  const bytes = Uint8Array.from(zip64);
  change(bytes, new DataView(bytes.buffer));
  return bytes;
};
const end64 = zip64.length - 98;
const files = make.torchFile(good);
const [first, ...rest] = files as [make.ZipFile, ...make.ZipFile[]];
const second = rest[0]!;

test("the zip that the tests make by hand is read", async () => {
  const extra = [".format_version", ".storage_alignment", ".data/serialization_id", "byteorder", "version"];
  const others = Object.fromEntries(
    extra.map((name) => [name, make.concat([name === "byteorder" ? "little" : "3\n"])]),
  );
  const newer = make.zip(make.torchFile(good, undefined, others)); // those of PyTorch 2
  await using latest = await openPickle(bytesSource(newer));
  expect(latest.tensors.size).toBe(1);
  await using file = await openPickle(bytesSource(make.zip(files)));
  expect(file.tensors.get("w")).toMatchObject({ dtype: "F32", shape: [2], byteLength: 8 });
});

test.each<[string, Uint8Array, string, string]>([
  ["an empty file", new Uint8Array(), "HEADER", "begins with"],
  ["a zip that is cut off", make.zip(files).subarray(0, -1), "TRUNCATED", "incomplete"],
  ["a file with the start of a zip alone", make.concat(["PK\x03\x04"]), "TRUNCATED", "incomplete"],
  ["a Git LFS pointer", make.concat(["version https://git-lfs"]), "HEADER", "git lfs pull"],
  ["a comment", make.zip(files, { comment: "PK" }), "TRUNCATED", "expected the directory"],
  [
    "a declared comment",
    make.zip(files, { comment: "" }).map((b, i, a) => (i === a.length - 2 ? 1 : b)),
    "HEADER",
    "comment",
  ],
  ["two disks", make.zip(files, { disk: 1 }), "HEADER", "disks"],
  ["two counts", make.zip(files, { total: 9 }), "HEADER", "disks"],
  ["too small a count", make.zip(files, { count: 1 }), "HEADER", "bytes after its last entry"],
  ["too large a count", make.zip(files, { count: 3 }), "HEADER", "too few"],
  ["a directory at another place", make.zip(files, { offset: 3 }), "HEADER", "expected an end at"],
  ["a compressed file", make.zip([{ ...first, method: 8 }, ...rest]), "HEADER", "compression 8"],
  ["an encrypted file", make.zip([{ ...first, flags: 1 }, ...rest]), "HEADER", "encryption"],
  ["the same name twice", make.zip([...files, second]), "HEADER", "twice"],
  [
    "another name in the local header",
    make.zip([{ ...first, localName: "archive/data.pkx" }, ...rest]),
    "OFFSETS",
    "contradicts",
  ],
  [
    "another size in the local header",
    make.zip([{ ...first, localSize: 1 }, ...rest]),
    "OFFSETS",
    "contradicts",
  ],
  ["an offset where no file is", make.zip([{ ...first, offset: 1 }, ...rest]), "OFFSETS", "no header"],
  [
    "an offset beyond the file",
    make.zip([{ ...first, offset: 2 ** 31 }, ...rest]),
    "OFFSETS",
    "beyond the end",
  ],
  [
    "a size beyond the file",
    make.zip([{ ...first, size: 2 ** 31, flags: 8, localSize: 0 }, ...rest]),
    "OFFSETS",
    "beyond the end",
  ],
  [
    "a file that reaches into the next",
    make.zip([{ ...first, size: first.bytes.length + 1, flags: 8, localSize: 0 }, ...rest]),
    "OFFSETS",
    "overlaps the file before",
  ],
  [
    "a file that reaches into the directory",
    make.zip([first, { ...second, size: 9, flags: 8, localSize: 0 }]),
    "OFFSETS",
    "overlaps the directory",
  ],
  [
    "a stored size that is not the size",
    make.zip([{ ...first, stored: 3 }, ...rest]),
    "HEADER",
    "stored bytes",
  ],
  [
    "sizes in a zip64 field that is not there",
    make.zip([{ ...first, size: 2 ** 32 - 1 }, ...rest]),
    "HEADER",
    "zip64 sizes",
  ],
  ...[
    "../data.pkl",
    "/data.pkl",
    "a//data.pkl",
    "a\\data.pkl",
    "a\0/data.pkl",
    "./data.pkl",
    "C:/data.pkl",
    "a/data.pkl/",
  ].map((name): [string, Uint8Array, string, string] => [
    `the name ${JSON.stringify(name)}`,
    make.zip([{ ...first, name }]),
    "HEADER",
    "plain path",
  ]),
  [
    "a name that is not UTF-8",
    make.zip(files).map((b, i, a) => (b === 0x61 && a[i + 1] === 0x72 ? 0xff : b)),
    "HEADER",
    "UTF-8",
  ],
  ["no data.pkl", make.zip(rest), "HEADER", "there are 0"],
  ["two data.pkl", make.zip([...files, { ...first, name: "b/data.pkl" }]), "HEADER", "there are 2"],
  ["data.pkl at the top", make.zip([{ ...first, name: "data.pkl" }]), "HEADER", "there are 0"],
  [
    "a file in another folder",
    make.zip([...files, { ...first, name: "b/x" }]),
    "HEADER",
    "not in the folder",
  ],
  [
    "a big-endian file",
    make.zip(make.torchFile(good, undefined, { byteorder: make.concat(["big"]) })),
    "HEADER",
    '"big"',
  ],
  [
    "a TorchScript program",
    make.zip(make.torchFile(good, undefined, { "constants.pkl": good })),
    "PICKLE",
    "TorchScript",
  ],
  [
    "a huge directory",
    edit((_, view) => {
      view.setBigUint64(end64 + 40, 2n ** 30n, true);
      view.setUint32(zip64.length - 10, 2 ** 30, true);
    }),
    "TOO_LARGE",
    "bytes are allowed",
  ],
  [
    "a huge count in zip64",
    edit((_, view) => {
      for (const at of [24, 32]) view.setBigUint64(end64 + at, 2n ** 60n, true);
    }),
    "HEADER",
    "contradict",
  ],
  [
    "a zip64 locator that points elsewhere",
    edit((_, view) => view.setBigUint64(end64 + 64, 0n, true)),
    "HEADER",
    "points elsewhere",
  ],
  [
    "a zip64 record with a tail",
    edit((_, view) => view.setBigUint64(end64 + 4, 45n, true)),
    "HEADER",
    "56 bytes",
  ],
  [
    "two ends that disagree",
    edit((_, view) => view.setUint32(zip64.length - 6, 5, true)),
    "HEADER",
    "contradict",
  ],
])("a zip with %s is refused", async (_, bytes, code, words) => {
  const found = await refusal(() => openPickle(bytesSource(bytes, "bad.bin")));
  expect(found).toMatchObject({ code, message: expect.stringContaining(words) as string });
});

const { concat, dict, global, none, number, pickle, tensor, text, tuple } = make;
const call = (module: string, name: string, ...args: (Uint8Array | string)[]) =>
  concat([global(module, name), tuple(...args), "R"]);
const stackGlobal = (module: string, name: string) => concat([text(module), text(name), [0x93]]);
const w = (value: Uint8Array | string) => pickle(dict([["w", value]]));
const storage = (...id: (Uint8Array | string)[]) => concat([tuple(...id), "Q"]);
const floats = global("torch", "FloatStorage");

test.each<[string, Uint8Array, string, string]>([
  ["a command", w(call("posix", "system", text("echo"))), "PICKLE", '"posix.system"'],
  [
    "a command by the stack",
    w(concat([stackGlobal("os", "system"), tuple(text("echo")), "R"])),
    "PICKLE",
    '"os.system"',
  ],
  ["eval", w(call("builtins", "eval", text("1"))), "PICKLE", '"builtins.eval"'],
  ["a name of Object.prototype", w(global("constructor", "toString")), "PICKLE", "constructor.toString"],
  ["a prototype", w(global("__proto__", "x")), "PICKLE", "__proto__"],
  ["a function that is not called", w(global("torch", "load")), "PICKLE", '"torch.load"'],
  [
    "an object that is made (NEWOBJ)",
    w(concat([global("collections", "OrderedDict"), ")", [0x81]])),
    "PICKLE",
    "opcode 0x81",
  ],
  ["an instance (INST)", pickle("(iposix\nsystem\n"), "PICKLE", "opcode 0x69"],
  ["an extension (EXT1)", pickle(concat([[0x82, 1]])), "PICKLE", "opcode 0x82"],
  ["a text reference (PERSID)", pickle("P0\n"), "PICKLE", "opcode 0x50"],
  ["a call of a class", w(concat([floats, ")R"])), "PICKLE", "calls torch.FloatStorage"],
  ["a call of a text", w(concat([text("x"), ")R"])), "PICKLE", 'calls "x"'],
  [
    "a call with no tuple",
    w(concat([global("collections", "OrderedDict"), none, "R"])),
    "PICKLE",
    "with null",
  ],
  ["a dictionary with arguments", w(call("collections", "OrderedDict", tuple())), "PICKLE", "with arguments"],
  ["attributes of a tensor", w(concat([tensor(), "}b"])), "PICKLE", "attributes of a tensor"],
  ["attributes that are a list", w(concat(["}]b"])), "PICKLE", "attributes of a dictionary"],
  ["hooks", w(tensor({ hooks: dict([["x", none]]) })), "PICKLE", "hooks"],
  [
    "a parameter of a text",
    w(call("torch._utils", "_rebuild_parameter", text("x"), none, none)),
    "PICKLE",
    'parameter of "x"',
  ],
  ["a reference that is no tuple", w(concat([text("x"), "Q"])), "PICKLE", "names no storage"],
  [
    "a reference to a module",
    w(storage(text("module"), floats, text("0"), text("cpu"), number(2))),
    "PICKLE",
    "names no storage",
  ],
  [
    "a reference with a size below 0",
    w(storage(text("storage"), floats, text("0"), text("cpu"), concat(["J", [255, 255, 255, 255]]))),
    "PICKLE",
    "names no storage",
  ],
  [
    "a tensor of no storage",
    w(call("torch._utils", "_rebuild_tensor_v2", none, number(0), ")", ")", none, none)),
    "PICKLE",
    "tensor of null",
  ],
  ["a storage that the zip lacks", w(tensor({ key: "1" })), "OFFSETS", "which the zip lacks"],
  ["a storage outside of data/", w(tensor({ key: "../data.pkl" })), "OFFSETS", "which the zip lacks"],
  ["a storage of another size", w(tensor({ elements: 3 })), "SHAPE", "expected 3 elements"],
  ["a storage of another type", w(tensor({ type: "HalfStorage" })), "SHAPE", "expected 2 elements of F16"],
  ["a tensor beyond its storage", w(tensor({ start: 1, elements: 2 })), "SHAPE", "begins at 1"],
  [
    "a shape beyond any file",
    w(tensor({ shape: [2 ** 40, 2 ** 40], elements: 2 })),
    "SHAPE",
    "in a storage of 2",
  ],
  ["strides that repeat an element", w(tensor({ shape: [2], strides: [0] })), "SHAPE", "strides [0]"],
  ["fewer strides than axes", w(tensor({ shape: [2], strides: [] })), "PICKLE", "1 extents and 0 strides"],
  ["nine axes", w(tensor({ shape: Array.from({ length: 9 }, () => 1) })), "PICKLE", "9 extents"],
  [
    "a tensor under a number",
    pickle(concat(["}", number(1), tensor(), "s"])),
    "PICKLE",
    "the entry 1 is a tensor",
  ],
  ["a text as a tensor", w(text("x")), "PICKLE", 'the entry "w" is "x"'],
  [
    "the same key twice",
    pickle(
      dict([
        ["w", tensor()],
        ["w", tensor()],
      ]),
    ),
    "DUPLICATE_KEY",
    "twice",
  ],
  ["a key that is a tuple", pickle("})Ns"), "PICKLE", "expected text or a number"],
  ["a key without a value", pickle("}(Nu"), "PICKLE", "without a value"],
  ["items of a list", pickle("](NNu"), "PICKLE", "items of a list"],
  ["a list of a dictionary", pickle("}Na"), "PICKLE", "appends to a dictionary"],
  [
    "more tensors than the file can hold",
    pickle(
      dict(
        Array.from({ length: 900 }, (_, i) => [
          `w${i}`,
          concat(i === 0 ? [tensor({ shape: [4096] }), "q\0"] : ["h\0"]),
        ]),
      ),
    ),
    "TOO_LARGE",
    "more than 4 times",
  ],
  ["an empty stack", pickle("a"), "PICKLE", "empty stack"],
  ["nothing", pickle(), "PICKLE", "empty stack"],
  ["two values", pickle("NN"), "PICKLE", "more than one value"],
  ["an open mark", pickle("N("), "PICKLE", "empty stack"],
  ["no mark", pickle("t"), "PICKLE", "where there is none"],
  ["a value below the mark", pickle(concat(["}(", [0x85]])), "PICKLE", "empty stack"],
  ["a value that was not saved", pickle("h\x07"), "PICKLE", "recalls the value 7"],
  ["a long number", pickle(concat([[0x8a, 9], new Uint8Array(9)])), "PICKLE", "number of 9 bytes"],
  [
    "a number above 2^53",
    pickle(concat([[0x8a, 8], new Uint8Array(8).fill(0x7f)])),
    "PICKLE",
    "number of 8 bytes",
  ],
  [
    "a text that is cut off",
    concat([[0x80, 2], "X", [255, 255, 255, 255], "x."]),
    "PICKLE",
    "ends before it should",
  ],
  ["a text that is not UTF-8", pickle(concat(["X", [1, 0, 0, 0, 0xff]])), "PICKLE", "not UTF-8"],
  ["a name without an end", concat([[0x80, 2], "cos"]), "PICKLE", "ends before it should"],
  ["no end", concat([[0x80, 2], "N"]), "PICKLE", "ends before it should"],
  ["bytes after its end", concat([good, "N"]), "PICKLE", "follow its end"],
  ["protocol 1", concat([[0x80, 1], "N."]), "PICKLE", "protocol 2 to 5"],
  ["protocol 6", concat([[0x80, 6], "N."]), "PICKLE", "protocol 2 to 5"],
  ["no bytes", new Uint8Array(), "PICKLE", "protocol 2 to 5"],
  ["too many lists", concat([[0x80, 2], new Uint8Array(2 ** 18 + 1).fill(0x5d)]), "TOO_LARGE", "lists"],
  ["too many marks", concat([[0x80, 2], new Uint8Array(2 ** 18 + 1).fill(0x28)]), "TOO_LARGE", "lists"],
  ["too many values", concat([[0x80, 2], new Uint8Array(2 ** 21 + 1).fill(0x4e)]), "TOO_LARGE", "values"],
])("a pickle with %s is refused", async (_, data, code, words) => {
  const size = words === "more than 4 times" ? 4 * 4096 : 8;
  const bytes = make.zip(make.torchFile(data, { "0": new Uint8Array(size) }));
  const found = await refusal(() => openPickle(bytesSource(bytes, "bad.bin")));
  expect(found).toMatchObject({ code, message: expect.stringContaining(words) as string });
});

test("a pickle above 16 MiB is refused before it is read", async () => {
  const bytes = make.zip(make.torchFile(new Uint8Array(2 ** 24 + 1)));
  expect(await refusal(() => openPickle(bytesSource(bytes)))).toMatchObject({ code: "TOO_LARGE" });
});

test("a list that holds itself, and a pickle in a pickle's place, end in an error with a code", async () => {
  const loop = pickle("]q\0h\0a");
  const bytes = make.zip(make.torchFile(loop));
  expect(await refusal(() => openPickle(bytesSource(bytes)))).toMatchObject({ code: "PICKLE" });
  const folder = await folderWith({ "config.json": tinyConfig, "model.safetensors": bytes });
  const found = await refusal(() => loadCheckpoint(hostKernel(), folder));
  expect(found).toMatchObject({
    code: "PICKLE",
    message: expect.stringContaining("no safetensors file") as string,
  });
});

test("a source without a size is refused", async () => {
  const source = { ...bytesSource(make.zip(files)), size: undefined };
  expect(await refusal(() => openPickle(source))).toMatchObject({ code: "IO" });
});

test("integers are no weights", async () => {
  const tensors = tensorsOf(tinyInput).map((each) => ({ ...each, dtype: "I32" as const }));
  const folder = await folderWith({
    "config.json": tinyConfig,
    "pytorch_model.bin": await make.torchModel(tensors),
  });
  expect(await refusal(() => loadCheckpoint(hostKernel(), folder))).toMatchObject({ code: "DTYPE" });
});
