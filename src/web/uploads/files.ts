/** The files that somebody drops or pastes, those in dropped folders included. */
export async function filesIn(transfer: DataTransfer): Promise<File[]> {
  // All at once: the list is empty after the event.
  const entries = [...transfer.items]
    .map((item) => (item.kind === 'file' ? item.webkitGetAsEntry() : null))
    .filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files];
  const found = await Promise.all(entries.map(filesOf));
  return found.flat();
}

/** Pasted pictures are all called image.png: they get the moment as their name. */
export function pastedFiles(transfer: DataTransfer, now: Date): File[] {
  return [...transfer.files].map((file) => {
    if (!/^image\.\w+$/.test(file.name)) return file;
    const ending = file.name.slice(file.name.lastIndexOf('.'));
    const moment = `${now.toLocaleDateString('sv')} ${now.toLocaleTimeString('sv').replaceAll(':', '.')}`;
    return new File([file], `Pasted ${moment}${ending}`, { type: file.type, lastModified: now.getTime() });
  });
}

/** Whether what is dragged over the page has files. */
export function hasFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes('Files') === true;
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (isFile(entry)) return [await new Promise<File>((resolve, reject) => entry.file(resolve, reject))];
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const files: File[] = [];
  // It hands out a hundred at a time, and none when there are no more.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    // What systems put into folders by themselves, such as .DS_Store, nobody means to upload.
    const visible = entries.filter(({ name }) => !name.startsWith('.'));
    files.push(...(await Promise.all(visible.map(filesOf))).flat());
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
