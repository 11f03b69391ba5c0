/** Progress of a download or a load. Bytes are counted over all files of the phase. */
export interface Progress {
  readonly phase: "download" | "load";
  /** The file that is being read. */
  readonly file: string;
  readonly doneBytes: number;
  /** Undefined while a server has not announced the length of a file. */
  readonly totalBytes: number | undefined;
}
