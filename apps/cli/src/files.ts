/** Writes a file so that a crash leaves it with its old content or with its complete new content. */
export async function writeAtomically(path: string, data: Uint8Array | string): Promise<void> {
  const { replaceFile } = await import("@mamba/files"); // only when something is written: start-up stays short
  await replaceFile(path, typeof data === "string" ? Buffer.from(data) : data);
}
