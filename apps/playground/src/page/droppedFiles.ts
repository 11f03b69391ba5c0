/** The files of a drop, and the files directly in a dropped folder. */
export async function droppedFiles({ items }: DataTransfer): Promise<File[]> {
  // Every item must be accessed before the first await: the drop has ended then.
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
    // A reader returns its entries in batches, and an empty one at the end.
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (batch.length === 0) return Promise.all(files);
    for (const entry of batch) {
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
