/** A request body of the GraphQL multipart request specification, made by hand so that its length is known and its bytes can be counted. */
export interface Form {
  readonly body: Blob;
  /** With the boundary. */
  readonly contentType: string;
  /** How many bytes come before the first file. */
  readonly headBytes: number;
}

/** A file that was lifted out of the variables. */
export interface LiftedFile {
  /** Where it stood, such as `variables.file`. */
  readonly path: string;
  readonly file: Blob;
  readonly filename: string;
}

/** The parts in the order that the specification asks for: operations, map, files. */
export function formOf(operations: string, files: readonly LiftedFile[]): Form {
  const boundary = `mediakeep-${randomHex()}`;
  const map = JSON.stringify(Object.fromEntries(files.map(({ path }, index) => [index, [path]])));
  const head = new Blob([partHead(boundary, 'operations'), operations, '\r\n', partHead(boundary, 'map'), map, '\r\n']);
  const parts = files.flatMap(({ file, filename }, index) => [
    partHead(boundary, `${index}"; filename="${escaped(filename)}`, file.type || 'application/octet-stream'),
    file,
    '\r\n',
  ]);
  const [firstHead = ''] = parts;
  return {
    body: new Blob([head, ...parts, `--${boundary}--\r\n`]),
    contentType: `multipart/form-data; boundary=${boundary}`,
    headBytes: head.size + new Blob([firstHead]).size,
  };
}

/** 128 random bits. Not `randomUUID`, which browsers have only on pages that came by https. */
export function randomHex(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * A copy of `value` with null where a file stood, and the files in `files`, in the order in which they stand there. `path` is where `value` itself stands.
 */
export function withoutFiles(value: unknown, path: string, files: LiftedFile[]): unknown {
  if (value instanceof Blob) {
    files.push({ path, file: value, filename: nameOf(value) });
    return null;
  }
  if (Array.isArray(value)) return value.map((item, index) => withoutFiles(item, `${path}.${index}`, files));
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutFiles(item, `${path}.${key}`, files)]));
}

/** A file's name; as browsers do, `blob` for one that has none. */
export function nameOf(file: Blob): string {
  return 'name' in file && typeof file.name === 'string' && file.name !== '' ? file.name : 'blob';
}

function partHead(boundary: string, name: string, type?: string): string {
  const typeLine = type === undefined ? '' : `Content-Type: ${type}\r\n`;
  return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n${typeLine}\r\n`;
}

/** As a quoted string of RFC 2183; browsers write `%22` instead, which the server cannot tell from a name that has those three letters. */
function escaped(filename: string): string {
  return filename.replace(/["\\]/g, '\\$&').replace(/[\r\n]/g, ' ');
}
