/** Replaces a file in one step: after a crash it is either the old one or the complete new one. */
export async function writeAtomically(path: string, data: Uint8Array | string): Promise<void> {
  const { replaceFile } = await import("@mamba/files"); // loaded only when a file is written
  await replaceFile(path, typeof data === "string" ? Buffer.from(data) : data);
}
