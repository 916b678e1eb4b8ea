import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { crc32c } from '@node-rs/crc32';

/**
 * A bucket that keeps nothing: just enough of the resumable session protocol to take bytes from any client as fast as it can. It counts them
 * and sums them up, because the official client checks the CRC32C it is told. No test: test/support/gcs-emulator is the referee.
 */
const server = createServer((request, response) => void serve(request, response));
// The default of 5 s closes idle connections just as the official client picks them up again, which it does not survive.
server.keepAliveTimeout = 120_000;
server.listen(Number(process.env.PORT), '127.0.0.1');

interface Session {
  sizeBytes: number;
  crc32c: number;
}

const sessions = new Map<string, Session>();

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const uploadId = url.searchParams.get('upload_id');
  if (uploadId !== null) return take(request, response, sessions.get(uploadId) ?? { sizeBytes: 0, crc32c: 0 });
  request.resume();
  if (url.searchParams.get('uploadType') === 'resumable') response.setHeader('Location', start(url));
  response.end();
}

function start(url: URL): string {
  const uploadId = String(sessions.size);
  sessions.set(uploadId, { sizeBytes: 0, crc32c: 0 });
  url.searchParams.set('upload_id', uploadId);
  return url.href;
}

function take(request: IncomingMessage, response: ServerResponse, session: Session): void {
  request.on('data', (piece: Buffer) => {
    session.sizeBytes += piece.length;
    session.crc32c = crc32c(piece, session.crc32c);
  });
  request.on('end', () => {
    const isLast = /\/\d+$|-\*\/\*$/.test(request.headers['content-range'] ?? '');
    if (isLast) response.setHeader('Content-Type', 'application/json').end(resourceOf(session));
    else response.writeHead(308, { Range: `bytes=0-${session.sizeBytes - 1}` }).end();
  });
}

function resourceOf({ sizeBytes, crc32c: checksum }: Session): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum);
  return JSON.stringify({ name: 'sunk', size: String(sizeBytes), crc32c: bytes.toString('base64'), generation: '1' });
}
