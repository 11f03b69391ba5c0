import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";

/** The most bytes that are read from a pipe. */
const maxBytes = 2 ** 28;

/** All bytes of stdin. @throws CliError `USAGE` when it is a terminal, or there are more than 2^28 bytes */
export async function readStdin({ stdin }: Host): Promise<Uint8Array> {
  if (stdin.isTTY) throw usage('"-" reads from a pipe, but stdin is a terminal');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw usage(`stdin has more than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
