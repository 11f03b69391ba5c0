/** A handler for `catch`: undefined when the file does not exist; throws any other error. */
export function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
