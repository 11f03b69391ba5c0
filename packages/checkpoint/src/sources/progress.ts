/** Progress of a download, a load or a conversion. Bytes are counted over all files of the phase. */
export interface Progress {
  readonly phase: "download" | "load" | "convert";
  /** The file that is being read. */
  readonly file: string;
  readonly doneBytes: number;
  /** Undefined while a server has not announced the length of a file. */
  readonly totalBytes: number | undefined;
}
