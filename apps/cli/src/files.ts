/** Writes a file so that it is either the old one or the complete new one, also after a crash. */
export async function writeAtomically(path: string, data: Uint8Array | string): Promise<void> {
  const { replaceFile } = await import("@mamba/train/node"); // only when something is written: start-up stays short
  await replaceFile(path, () => [typeof data === "string" ? Buffer.from(data) : data]);
}
