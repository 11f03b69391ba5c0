import { fetchFile, urlPlace } from "@mamba/checkpoint/browser";

/** The place that the files of a model are copied from. */
export interface Origin {
  /** For messages. */
  readonly label: string;
  /** The names of all files, where the place can list them. */
  readonly names?: readonly string[] | undefined;
  /** Opens a file after the bytes that were received earlier; undefined when there is none of this name. */
  readonly open: (name: string, earlier: Earlier, signal: AbortSignal) => Promise<Incoming | undefined>;
}

/** The bytes of a file that are there already, and the version that they are of. */
export interface Earlier {
  readonly received: number;
  readonly version: string | undefined;
}

/** A file that comes in. */
export interface Incoming {
  /** The bytes from `start` on. */
  readonly body: ReadableStream<Uint8Array>;
  /** The number of bytes received earlier, or 0 where the file comes again from its beginning. */
  readonly start: number;
  /** The bytes of the whole file; undefined when it is not announced. */
  readonly size: number | undefined;
  readonly version: string | undefined;
}

/** The files below a URL, or the GGUF file at a URL. */
export function urlOrigin(url: string): Origin {
  const { label, names, urlOf } = urlPlace(url);
  return {
    label,
    names,
    open: async (name, earlier, signal) => {
      const address = urlOf(name);
      return address === undefined ? undefined : fetchFile(address, { ...earlier, signal });
    },
  };
}

/** Files that the user chose. They are read in chunks. */
export function diskOrigin(files: readonly File[]): Origin {
  const named = new Map(files.map((file) => [file.name, file]));
  return {
    label: "the chosen files",
    names: [...named.keys()],
    open: (name, { received: start }) => {
      const file = named.get(name);
      const size = file?.size;
      return Promise.resolve(file && { body: file.slice(start).stream(), start, size, version: undefined });
    },
  };
}
