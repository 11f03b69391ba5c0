import {
  type ByteSource,
  fill,
  headerCap,
  readExactly,
  show,
  type TensorInfo,
} from "@mamba/core/safetensors";
import { CheckpointError, rethrow } from "../../errors.ts";
import type { WeightFile } from "../weights.ts";
import { readPickle } from "./read.ts";
import { locateTensors } from "./tensors.ts";
import { readZip, type SizedSource, type ZipEntry } from "./zip.ts";

/** The tensors of a file may together have this many times its bytes: tied ones are in it once. */
const maxSharing = 4;

/**
 * Reads and checks the pickle of a file that `torch.save` wrote, such as `pytorch_model.bin`: a dictionary of tensors by their
 * names, in a zip. Takes ownership of `source`, which must be able to go back. Nothing in the pickle is executed: a reader with a fixed
 * set of opcodes and names reads it, and refuses all others. Tensors must be contiguous.
 *
 * @throws CheckpointError `PICKLE` for a pickle of more than tensors, or of the format before PyTorch 1.6; `HEADER`, `TRUNCATED`,
 * `TOO_LARGE`, `OFFSETS`, `SHAPE`, `DUPLICATE_KEY`, `IO`; the errors of the source. `read` and `chunks` throw `MISSING_TENSOR` and
 * `TRUNCATED`
 */
export async function openPickle(source: ByteSource): Promise<WeightFile> {
  try {
    if (!isSized(source)) {
      const reason = "the size of the file must be known, as its directory is at its end";
      throw new CheckpointError("IO", `${source.name}: ${reason}`);
    }
    const tensors = await readTensors(source);
    const find = (name: string): TensorInfo => {
      const info = tensors.get(name);
      if (!info) throw new CheckpointError("MISSING_TENSOR", `${source.name}: no tensor ${show(name)}`);
      return info;
    };
    return {
      name: source.name,
      tensors,
      async read(name) {
        const { byteOffset, byteLength } = find(name);
        return readExactly(source, byteOffset, byteLength).catch(rethrow);
      },
      async *chunks(name, buffer, range) {
        const { byteOffset, byteLength } = find(name);
        const [start, end] = range ?? [0, byteLength];
        for (let done = start; done < end; done += buffer.length) {
          const chunk = buffer.subarray(0, Math.min(buffer.length, end - done));
          await fill(source, byteOffset + done, chunk).catch(rethrow);
          yield chunk;
        }
      },
      verify: () => Promise.resolve(), // PyTorch can write zips without checksums, and reads none
      close: () => source.close(),
      [Symbol.asyncDispose]: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function isSized(source: ByteSource): source is SizedSource {
  return source.size !== undefined;
}

/** The tensors in the order of their bytes. */
async function readTensors(source: SizedSource): Promise<ReadonlyMap<string, TensorInfo>> {
  const { name: file, size } = source;
  await refuseOtherFormats(source);
  const entries = await readZip(source);
  const prefix = findPrefix(file, entries);
  const readText = async (name: string, cap: number): Promise<Uint8Array | undefined> => {
    const entry = entries.get(prefix + name);
    if (!entry) return undefined;
    if (entry.size > cap) {
      throw new CheckpointError(
        "TOO_LARGE",
        `${file}: ${name} has ${entry.size} bytes, at most ${cap} are allowed`,
      );
    }
    return readExactly(source, entry.offset, entry.size).catch(rethrow);
  };
  const pickle = (await readText("data.pkl", headerCap)) ?? new Uint8Array();
  const order = await readText("byteorder", 16);
  const orderText = order && String.fromCharCode(...order);
  if (orderText !== undefined && orderText !== "little") {
    throw new CheckpointError("HEADER", `${file}: the byte order is ${show(orderText)}, expected "little"`);
  }
  const storages = new Map(
    [...entries].flatMap(([name, entry]) =>
      name.startsWith(`${prefix}data/`) ? [[name.slice(prefix.length + 5), entry] as const] : [],
    ),
  );
  const tensors = locateTensors(readPickle(pickle, `${file}: data.pkl`), storages, file);
  const total = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (total > maxSharing * size) {
    const message = `${file}: the tensors take ${total} bytes, more than ${maxSharing} times those of the file (${size})`;
    throw new CheckpointError("TOO_LARGE", message);
  }
  tensors.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

/** Reads the first bytes: formats other than a zip have an error of their own. */
async function refuseOtherFormats(source: SizedSource): Promise<void> {
  const first = await readExactly(source, 0, Math.min(source.size, 8)).catch(rethrow);
  const start = String.fromCharCode(...first);
  if (start.startsWith("PK\x03\x04")) return;
  const { name } = source;
  if (first[0] === 0x80) {
    const remedy =
      "PyTorch writes the current format with torch.save(torch.load(path, weights_only=True), path)";
    throw new CheckpointError(
      "PICKLE",
      `${name}: this is a bare pickle, as PyTorch wrote before version 1.6; ${remedy}`,
    );
  }
  if (start === "version ") {
    const remedy = "fetch the file itself, for example with `git lfs pull`";
    throw new CheckpointError("HEADER", `${name}: this is a Git LFS pointer, not the weights; ${remedy}`);
  }
  throw new CheckpointError(
    "HEADER",
    `${name}: expected a zip as torch.save writes it, it begins with ${show(start)}`,
  );
}

/** All files of PyTorch's zip lie in one folder, whose name is that of the file that was saved first. */
function findPrefix(file: string, entries: ReadonlyMap<string, ZipEntry>): string {
  const suffix = "/data.pkl";
  const pickles = [...entries.keys()].filter((name) => name.endsWith(suffix));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    const message = `${file}: expected one file data.pkl in the zip, there are ${pickles.length}`;
    throw new CheckpointError("HEADER", message);
  }
  const prefix = pickle.slice(0, 1 - suffix.length);
  const other = [...entries.keys()].find((name) => !name.startsWith(prefix));
  if (other !== undefined) {
    throw new CheckpointError(
      "HEADER",
      `${file}: ${show(other)} is not in the folder ${show(prefix)} of data.pkl`,
    );
  }
  if (entries.has(`${prefix}constants.pkl`)) {
    throw new CheckpointError(
      "PICKLE",
      `${file}: this is a TorchScript program; save model.state_dict() alone`,
    );
  }
  return prefix;
}
