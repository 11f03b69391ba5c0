/** The files of a drop; of a folder that was dropped, those that lie directly in it. */
export async function droppedFiles({ items }: DataTransfer): Promise<File[]> {
  // Everything has to be asked for before the first wait: the drop is over then.
  const found = [...items].map((item) => {
    const entry = item.webkitGetAsEntry();
    return entry && isFolder(entry) ? filesIn(entry) : Promise.resolve([item.getAsFile()]);
  });
  return (await Promise.all(found)).flat().filter((file) => file !== null);
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const files: Promise<File>[] = [];
  for (;;) {
    // A reader gives its entries in parts, and none at the end.
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) return Promise.all(files);
    for (const entry of part) {
      if (isFile(entry)) files.push(new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
  }
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
