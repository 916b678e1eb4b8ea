import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Storage } from '@google-cloud/storage';
import { GoogleAuth, OAuth2Client } from 'google-auth-library';
import { GcsStorage } from '../../src/storage/gcs.ts';

/**
 * The process under measurement: `POST /send?how=..&bytes=..&atOnce=..&pieces=..` sends so many bytes, so many times at once, to the sink at
 * SINK_URL. `pieces=fresh` takes new memory for each piece, as a socket does, which shows what is kept; `pieces=used` spares the measurement
 * of CPU the cost of the source's own garbage.
 */
const sink = process.env.SINK_URL ?? '';
const chunkBytes = 8 * 1024 * 1024;
const pieceBytes = 64 * 1024;

const authClient = new OAuth2Client();
authClient.setCredentials({ access_token: 'bench', expiry_date: Date.now() + 24 * 3600 * 1000 });
const auth = new GoogleAuth({ authClient });
const ours = await GcsStorage.open({
  bucket: 'sink',
  projectId: 'bench',
  apiEndpoint: sink,
  delivery: 'proxy',
  auth,
  chunkBytes,
});
const official = new Storage({ apiEndpoint: sink, projectId: 'bench', authClient: auth }).bucket('sink');

/** Ways of bytes into a bucket. Each resolves when the sink has all of them. */
const ways: Readonly<Record<string, (source: Readable, to: { name: string; sizeBytes: number }) => Promise<unknown>>> = {
  ours: (source, { name }) =>
    ours.put(name, source, {
      contentType: 'video/mp4',
      filename: 'film.mp4',
      metadata: {},
      signal: new AbortController().signal,
    }),
  'official client, default': (source, { name }) => pipeline(source, official.file(name).createWriteStream()),
  'official client, chunked': (source, { name }) =>
    pipeline(
      source,
      official.file(name).createWriteStream({ chunkSize: chunkBytes, preconditionOpts: { ifGenerationMatch: 0 } }),
    ),
  'bare http pipe': async (source, { sizeBytes }) => {
    const headers = { 'content-length': sizeBytes, 'content-range': `bytes 0-${sizeBytes - 1}/${sizeBytes}` };
    const outgoing = httpRequest(`${sink}/upload?upload_id=none`, { method: 'PUT', headers });
    const answered = once(outgoing, 'response');
    await pipeline(source, outgoing);
    const [response] = await answered;
    await response.resume().toArray();
  },
};

let sent = 0;
let next = 0;
const used = Array.from({ length: 256 }, () => Buffer.alloc(pieceBytes, 'x'));

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/readyz') return response.end();
  const way = ways[searchParams.get('how') ?? ''];
  if (way === undefined) return response.writeHead(404).end();
  const sizeBytes = Number(searchParams.get('bytes'));
  const piece = searchParams.get('pieces') === 'fresh' ? (): Buffer => Buffer.allocUnsafeSlow(pieceBytes) : usedPiece;
  const uploads = Array.from({ length: Number(searchParams.get('atOnce')) }, () => {
    sent += 1;
    return way(sourceOf(sizeBytes, piece), { name: `bench/${sent}`, sizeBytes });
  });
  Promise.all(uploads).then(
    () => response.end(),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(Number(process.env.PORT), '127.0.0.1');

/** Bytes in pieces as a socket gives them. */
function sourceOf(sizeBytes: number, piece: () => Buffer): Readable {
  let leftBytes = sizeBytes;
  return new Readable({
    read() {
      this.push(leftBytes === 0 ? null : piece().subarray(0, leftBytes));
      leftBytes -= Math.min(pieceBytes, leftBytes);
    },
  });
}

/** One after the other of more pieces than a processor's nearest caches hold. */
function usedPiece(): Buffer {
  next = (next + 1) % used.length;
  return used[next] ?? Buffer.alloc(pieceBytes);
}
