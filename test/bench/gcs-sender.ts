import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Storage } from '@google-cloud/storage';
import { GoogleAuth, OAuth2Client } from 'google-auth-library';
import { GcsStorage } from '../../src/storage/gcs.ts';

/** The process under measurement: `POST /send?how=..&bytes=..&atOnce=..` sends so many bytes, so many times at once, to the sink at SINK_URL. */
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
const ways: Readonly<Record<string, (sizeBytes: number, name: string) => Promise<unknown>>> = {
  ours: (sizeBytes, name) =>
    ours.put(name, source(sizeBytes), {
      contentType: 'video/mp4',
      filename: 'film.mp4',
      metadata: {},
      signal: new AbortController().signal,
    }),
  'official client, default': (sizeBytes, name) => pipeline(source(sizeBytes), official.file(name).createWriteStream()),
  'official client, chunked': (sizeBytes, name) =>
    pipeline(
      source(sizeBytes),
      official.file(name).createWriteStream({ chunkSize: chunkBytes, preconditionOpts: { ifGenerationMatch: 0 } }),
    ),
  'bare http pipe': async (sizeBytes) => {
    const headers = { 'content-length': sizeBytes, 'content-range': `bytes 0-${sizeBytes - 1}/${sizeBytes}` };
    const outgoing = httpRequest(`${sink}/upload?upload_id=none`, { method: 'PUT', headers });
    const answered = once(outgoing, 'response');
    await pipeline(source(sizeBytes), outgoing);
    const [response] = await answered;
    await response.resume().toArray();
  },
};

let sent = 0;

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/readyz') return response.end();
  const way = ways[searchParams.get('how') ?? ''];
  if (way === undefined) return response.writeHead(404).end();
  const uploads = Array.from({ length: Number(searchParams.get('atOnce')) }, () => {
    sent += 1;
    return way(Number(searchParams.get('bytes')), `bench/${sent}`);
  });
  Promise.all(uploads).then(
    () => response.end(),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(Number(process.env.PORT), '127.0.0.1');

/** Bytes in pieces as a socket gives them, each in memory of its own. */
function source(sizeBytes: number): Readable {
  let leftBytes = sizeBytes;
  return new Readable({
    read() {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, leftBytes));
      leftBytes -= piece.length;
      this.push(piece.length === 0 ? null : piece);
    },
  });
}
