/** Node's errors of files in words, by their codes. */
export const fileProblems = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EISDIR: "it is a folder, and a file is needed",
  ENOTDIR: "a part of the path is a file, and a folder is needed",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the device",
  ELOOP: "there are too many symbolic links in the path",
  ENAMETOOLONG: "the name is too long",
} as const;

/** The problem that a code of Node stands for; undefined for other codes. */
export function fileProblem(code: string | undefined): string | undefined {
  return Object.entries(fileProblems).find(([known]) => known === code)?.[1];
}
