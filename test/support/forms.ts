/** A part of a form: a field, or a file when it has a filename. */
export interface Part {
  readonly name: string;
  readonly value: string | Buffer;
  readonly filename?: string;
  readonly type?: string;
  /** Instead of the Content-Disposition made of the above. */
  readonly disposition?: string;
}

/** The boundary of {@link formBytes}. */
export const boundary = 'the-boundary-of-a-test';

/** The Content-Type of {@link formBytes}. */
export const formType = `multipart/form-data; boundary=${boundary}`;

/** A form as a client writes it, byte for byte, with its closing boundary. */
export function formBytes(...parts: Part[]): Buffer {
  return Buffer.concat([...parts.map(partBytes), Buffer.from(`--${boundary}--\r\n`)]);
}

/** One part as a client writes it, with the line break after it. */
export function partBytes({ name, value, filename, type, disposition }: Part): Buffer {
  const what = disposition ?? `form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}`;
  const head = `--${boundary}\r\nContent-Disposition: ${what}\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(value), Buffer.from('\r\n')]);
}
