import { connect, type Socket } from 'node:net';

/** A multipart upload written by hand, so that it can be cut, slowed and malformed at any byte. */
export interface RawUpload {
  readonly path: string;
  readonly token: string;
  /** What stands before the file's bytes: other parts and the head of the file's part. */
  readonly preamble: string;
  readonly boundary: string;
}

/** The head of a REST upload of one file. */
export function restUpload(kind: 'image' | 'video', token: string): RawUpload {
  const boundary = 'cut-off-boundary';
  return { path: `/api/v1/media/upload/${kind}`, token, boundary, preamble: filePart(boundary, 'file') };
}

/** The head of a GraphQL upload of one file. */
export function graphqlUpload(kind: 'image' | 'video', token: string): RawUpload {
  const boundary = 'cut-off-boundary';
  const field = kind === 'image' ? 'uploadImage' : 'uploadVideo';
  const operations = JSON.stringify({
    query: `mutation ($file: Upload!) { ${field}(file: $file) { id } }`,
    variables: { file: null },
  });
  const parts = part(boundary, 'operations', operations) + part(boundary, 'map', '{"0":["variables.file"]}');
  return { path: '/graphql', token, boundary, preamble: parts + filePart(boundary, '0') };
}

/** Opens a connection and writes the request's head and the form up to where the file begins; `fileBytes` is what the file is announced to have. */
export function beginUpload(server: { url: string }, upload: RawUpload, fileBytes: number): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const length = Buffer.byteLength(upload.preamble) + fileBytes + Buffer.byteLength(closing(upload.boundary));
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `POST ${upload.path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${upload.token}\r\nContent-Length: ${length}\r\n` +
          `Content-Type: multipart/form-data; boundary=${upload.boundary}\r\n\r\n${upload.preamble}`,
      );
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** What ends the form after the file's bytes. */
export function closing(boundary: string): string {
  return `\r\n--${boundary}--\r\n`;
}

function part(boundary: string, name: string, value: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

function filePart(boundary: string, name: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="file.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`;
}
