import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { openSession, patternBytes, put, QUANTUM, standing, startSession } from '../support/gcs-emulator/session-client.ts';
import { begin, jsonOf, send, until } from '../support/gcs-emulator/wire.ts';

let emulator: GcsEmulator;
const data = patternBytes(3 * QUANTUM + 1000);
const total = data.length;

beforeAll(async () => {
  emulator = await startGcsEmulator({ buckets: [{ name: 'media' }, { name: 'other' }] });
});
beforeEach(() => emulator.reset());
afterAll(() => emulator.close());

describe('starting', () => {
  test('a session answers with its URI and nothing becomes visible', async () => {
    const answer = await startSession(emulator);
    expect(answer.status).toBe(200);
    expect(answer.headers.location).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/upload\/storage\/v1\/b\/media\/o\?.*upload_id=./);
    expect(emulator.liveSessions()).toMatchObject([
      { bucket: 'media', name: 'clip', heldBytes: 0, uri: answer.headers.location },
    ]);
    expect(emulator.objects('media').size).toBe(0);
  });

  test('a start needs a token; the session URI does not', async () => {
    expect((await startSession(emulator, { headers: { authorization: 'Bearer guessed' } })).status).toBe(401);
    const uri = await openSession(emulator);
    expect((await put(uri, undefined, 'x')).status).toBe(200);
  });

  test('type, settings and metadata given at the start are those of the object', async () => {
    const resource = { metadata: { owner: 'u1' }, cacheControl: 'no-store', contentDisposition: 'inline' };
    const uri = await openSession(emulator, { resource, headers: { 'x-upload-content-type': 'video/mp4' } });
    expect(jsonOf(await put(uri, undefined, 'x'))).toMatchObject({ ...resource, contentType: 'video/mp4', name: 'clip' });
  });

  test('metadata that is not a string, and a body that is not JSON, are 400', async () => {
    expect((await startSession(emulator, { resource: { metadata: { pages: 3 } } })).status).toBe(400);
    expect((await startSession(emulator, { headers: { 'content-type': 'text/plain' } })).status).toBe(400);
    expect(emulator.liveSessions()).toEqual([]);
  });

  test('a precondition that fails already is 412 at the start', async () => {
    emulator.put('media', 'clip', Buffer.from('old'));
    expect((await startSession(emulator, { query: '&ifGenerationMatch=0' })).status).toBe(412);
  });

  test('an emulator may leave preconditions to the end', async () => {
    const late = await startGcsEmulator({ buckets: [{ name: 'media' }], checkPreconditionsAtStart: false });
    try {
      late.put('media', 'clip', Buffer.from('old'));
      const uri = await openSession(late, { query: '&ifGenerationMatch=0' });
      expect((await put(uri, undefined, 'new')).status).toBe(412);
      expect(late.objects('media').get('clip')?.data().toString()).toBe('old');
    } finally {
      await late.close();
    }
  });
});

describe('whole uploads', () => {
  test.each<[string, string | undefined]>([
    ['no range', undefined],
    ['a full range', `bytes 0-${total - 1}/${total}`],
    ['an open range', 'bytes 0-*/*'],
    ['an open range with its total', `bytes 0-*/${total}`],
  ])('one PUT with %s stores the object', async (_, range) => {
    const uri = await openSession(emulator);
    const answer = await put(uri, range, data);
    expect(answer.status).toBe(200);
    expect(jsonOf(answer)).toMatchObject({ size: String(total), md5Hash: md5Of(data), crc32c: crc32cOf(data) });
    expect(emulator.objects('media').get('clip')?.data().equals(data)).toBe(true);
    expect(emulator.liveSessions()).toEqual([]);
  });

  test('POST does what PUT does', async () => {
    const uri = await openSession(emulator);
    expect((await send({ url: uri, method: 'POST', body: data })).status).toBe(200);
  });

  test('an empty object is `bytes */0`', async () => {
    const uri = await openSession(emulator);
    const answer = await put(uri, 'bytes */0');
    expect(jsonOf(answer)).toMatchObject({ size: '0', crc32c: 'AAAAAA==' });
  });

  test('a finished session answers every later request with the object', async () => {
    const uri = await openSession(emulator);
    const first = jsonOf(await put(uri, undefined, data));
    const later = [
      await put(uri, 'bytes */*'),
      await put(uri, `bytes */${total}`),
      await put(uri, undefined, data),
      await put(uri, 'bytes 0-9/*', 'different!'),
    ];
    expect(later.map((answer) => [answer.status, jsonOf(answer)])).toEqual(later.map(() => [200, first]));
  });
});

describe('chunks', () => {
  test('chunks of a known total: 308 with Range, 200 at the end, invisible until then', async () => {
    const uri = await openSession(emulator);
    const first = await put(uri, `bytes 0-${2 * QUANTUM - 1}/${total}`, data.subarray(0, 2 * QUANTUM));
    expect([...standing(first), first.statusText, first.body.length]).toEqual([
      308,
      `bytes=0-${2 * QUANTUM - 1}`,
      'Resume Incomplete',
      0,
    ]);
    expect(emulator.objects('media').size).toBe(0);
    const last = await put(uri, `bytes ${2 * QUANTUM}-${total - 1}/${total}`, data.subarray(2 * QUANTUM));
    expect(last.status).toBe(200);
    expect(emulator.objects('media').get('clip')?.data().equals(data)).toBe(true);
  });

  test('chunks of an unknown total end with the one that names it', async () => {
    const uri = await openSession(emulator);
    expect(standing(await put(uri, `bytes 0-${QUANTUM - 1}/*`, data.subarray(0, QUANTUM)))).toEqual([
      308,
      `bytes=0-${QUANTUM - 1}`,
    ]);
    expect((await put(uri, `bytes ${QUANTUM}-${total - 1}/${total}`, data.subarray(QUANTUM))).status).toBe(200);
    expect(emulator.objects('media').get('clip')?.crc32c).toBe(crc32cOf(data));
  });

  test('`bytes */N` finishes when exactly N bytes are held', async () => {
    const uri = await openSession(emulator);
    await put(uri, `bytes 0-${QUANTUM - 1}/*`, data.subarray(0, QUANTUM));
    expect(jsonOf(await put(uri, `bytes */${QUANTUM}`))).toMatchObject({ size: String(QUANTUM) });
  });

  test('a chunk that is neither the last nor a multiple of 256 KiB is 400 and changes nothing', async () => {
    const uri = await openSession(emulator);
    expect((await put(uri, `bytes 0-999/${total}`, data.subarray(0, 1000))).status).toBe(400);
    expect((await put(uri, `bytes 0-${QUANTUM}/*`, data.subarray(0, QUANTUM + 1))).status).toBe(400);
    expect(standing(await put(uri, 'bytes */*'))).toEqual([308, undefined]);
  });

  test('a gap is refused with 503 and changes nothing', async () => {
    const uri = await openSession(emulator);
    await put(uri, `bytes 0-${QUANTUM - 1}/${total}`, data.subarray(0, QUANTUM));
    const gap = await put(uri, `bytes ${2 * QUANTUM}-${3 * QUANTUM - 1}/${total}`, data.subarray(2 * QUANTUM, 3 * QUANTUM));
    expect([gap.status, gap.body.toString()]).toEqual([
      503,
      expect.stringContaining('exceeds already uploaded size of 262144 byte(s)'),
    ]);
    expect(standing(await put(uri, 'bytes */*'))).toEqual([308, `bytes=0-${QUANTUM - 1}`]);
  });

  test('bytes that are held already are skipped, not appended', async () => {
    const uri = await openSession(emulator);
    await put(uri, `bytes 0-${2 * QUANTUM - 1}/${total}`, data.subarray(0, 2 * QUANTUM));
    const again = await put(uri, `bytes 0-${QUANTUM - 1}/${total}`, Buffer.alloc(QUANTUM, 7));
    expect(standing(again)).toEqual([308, `bytes=0-${2 * QUANTUM - 1}`]);
    const overlapping = await put(uri, `bytes 1000-${total - 1}/${total}`, data.subarray(1000));
    expect(jsonOf(overlapping)).toMatchObject({ size: String(total), crc32c: crc32cOf(data) });
  });

  test.each(['bytes 0--1/0', 'bytes 0-0/0', 'bytes 5-3/10', '*/*', 'bytes=0-9/10', 'bytes 0-9', 'bytes a-b/c'])(
    'the range %j is 400',
    async (range) => {
      const uri = await openSession(emulator);
      expect((await put(uri, range, '')).status).toBe(400);
      expect(emulator.objects('media').size).toBe(0);
    },
  );

  test('a malformed range ends the session', async () => {
    const uri = await openSession(emulator);
    await put(uri, '*/*');
    expect((await put(uri, 'bytes */*')).status).toBe(410);
    expect(emulator.liveSessions()).toEqual([]);
  });

  test('a range that is not as long as the body is 400', async () => {
    const uri = await openSession(emulator);
    expect((await put(uri, 'bytes 0-9/10', 'short')).status).toBe(400);
    const chunked = await put(uri, 'bytes 0-3/4', 'too long', { 'transfer-encoding': 'chunked' });
    expect([chunked.status, chunked.body.toString()]).toEqual([400, expect.stringContaining('does not match')]);
    expect(emulator.objects('media').size).toBe(0);
  });

  test('the total must not change between requests, nor be smaller than what is held', async () => {
    const uri = await openSession(emulator);
    await put(uri, `bytes 0-${QUANTUM - 1}/${total}`, data.subarray(0, QUANTUM));
    expect((await put(uri, `bytes ${QUANTUM}-${total - 2}/${total - 1}`, data.subarray(QUANTUM, total - 1))).status).toBe(400);
    const open = await openSession(emulator);
    await put(open, `bytes 0-${QUANTUM - 1}/*`, data.subarray(0, QUANTUM));
    expect((await put(open, 'bytes 0-9/10', data.subarray(0, 10))).status).toBe(400);
    expect(emulator.objects('media').size).toBe(0);
  });

  test('X-Upload-Content-Length pins the total', async () => {
    const uri = await openSession(emulator, { headers: { 'x-upload-content-length': '10' } });
    expect((await put(uri, 'bytes 0-10/11', 'elevenbytes')).status).toBe(400);
    expect((await put(uri, 'bytes 0-8/9', 'ninebytes')).status).toBe(400);
    expect((await put(uri, `bytes 0-${QUANTUM - 1}/*`, data.subarray(0, QUANTUM))).status).toBe(400);
    expect((await put(uri, 'bytes 0-9/10', 'ten bytes!')).status).toBe(200);
    const open = await openSession(emulator, { headers: { 'x-upload-content-length': '10' } });
    expect((await put(open, 'bytes 0-*/*', 'ninebytes')).status).toBe(400);
  });
});

describe('status', () => {
  test('nothing held is 308 without Range', async () => {
    const uri = await openSession(emulator);
    expect(standing(await put(uri, 'bytes */*'))).toEqual([308, undefined]);
    expect(standing(await put(uri, `bytes */${total}`))).toEqual([308, undefined]);
    expect(emulator.count('status')).toBe(2);
  });

  test('a total that is not what is held is only a question', async () => {
    const uri = await openSession(emulator);
    await put(uri, `bytes 0-${2 * QUANTUM - 1}/*`, data.subarray(0, 2 * QUANTUM));
    expect(standing(await put(uri, `bytes */${QUANTUM}`))).toEqual([308, `bytes=0-${2 * QUANTUM - 1}`]);
  });

  test('a broken connection keeps whole steps of 256 KiB', async () => {
    const uri = await openSession(emulator);
    const request = begin({
      url: uri,
      method: 'PUT',
      headers: { 'content-range': `bytes 0-${total - 1}/${total}` },
      declaredBytes: total,
    });
    request.on('error', () => undefined);
    request.write(data.subarray(0, 2 * QUANTUM + 5000));
    await until(() => emulator.liveSessions()[0]?.heldBytes === 2 * QUANTUM);
    request.destroy();
    await until(() => emulator.openRequests() === 0);
    expect(standing(await put(uri, 'bytes */*'))).toEqual([308, `bytes=0-${2 * QUANTUM - 1}`]);
    const rest = await put(uri, `bytes ${2 * QUANTUM}-${total - 1}/${total}`, data.subarray(2 * QUANTUM));
    expect(jsonOf(rest)).toMatchObject({ crc32c: crc32cOf(data) });
  });
});

describe('checksums and preconditions at the end', () => {
  test('matching checksums pass', async () => {
    const uri = await openSession(emulator);
    const hash = { 'x-goog-hash': `crc32c=${crc32cOf(data)},md5=${md5Of(data)}` };
    expect((await put(uri, undefined, data, hash)).status).toBe(200);
  });

  test.each([
    ['crc32c', 'crc32c=AAAAAA=='],
    ['md5', `md5=${md5Of(Buffer.from('other'))}`],
  ])('a wrong %s is 400: nothing visible, the session dead', async (_, hash) => {
    const uri = await openSession(emulator);
    const answer = await put(uri, undefined, data, { 'x-goog-hash': hash });
    expect(answer.status).toBe(400);
    expect(emulator.objects('media').size).toBe(0);
    expect((await put(uri, 'bytes */*')).status).toBe(410);
  });

  test('a checksum given at the start is held against the bytes at the end', async () => {
    const uri = await openSession(emulator, { resource: { crc32c: 'AAAAAA==' } });
    expect((await put(uri, undefined, data)).status).toBe(400);
  });

  test('an object that appeared meanwhile makes the end 412 and stays as it is', async () => {
    const uri = await openSession(emulator, { query: '&ifGenerationMatch=0' });
    emulator.put('media', 'clip', Buffer.from('theirs'));
    expect((await put(uri, undefined, data)).status).toBe(412);
    expect(emulator.objects('media').get('clip')?.data().toString()).toBe('theirs');
    expect(emulator.liveSessions()).toEqual([]);
  });

  test('of five writers that must create, one does', async () => {
    const uris = await Promise.all(Array.from({ length: 5 }, () => openSession(emulator, { query: '&ifGenerationMatch=0' })));
    const answers = await Promise.all(uris.map((uri) => put(uri, undefined, data)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412]);
  });
});

describe('ending', () => {
  test('DELETE is 499 with an empty body, and the session stays cancelled', async () => {
    const uri = await openSession(emulator);
    const cancelled = await send({ url: uri, method: 'DELETE' });
    expect([cancelled.status, cancelled.body.length]).toEqual([499, 0]);
    expect((await put(uri, 'bytes */*')).status).toBe(499);
    expect((await put(uri, undefined, data)).status).toBe(499);
    expect([emulator.objects('media').size, emulator.liveSessions().length]).toEqual([0, 0]);
  });

  test('a cancel while bytes are on their way leaves nothing', async () => {
    const uri = await openSession(emulator);
    const range = { 'content-range': `bytes 0-${total - 1}/${total}` };
    const request = begin({ url: uri, method: 'PUT', headers: range, declaredBytes: total });
    const status = new Promise((resolve) => request.on('response', (response) => resolve(response.statusCode)));
    request.write(data.subarray(0, QUANTUM));
    await until(() => emulator.liveSessions()[0]?.heldBytes === QUANTUM);
    expect((await send({ url: uri, method: 'DELETE' })).status).toBe(499);
    request.end(data.subarray(QUANTUM));
    expect(await status).toBe(499);
    expect(emulator.objects('media').size).toBe(0);
  });

  test('a finished upload cannot be cancelled', async () => {
    const uri = await openSession(emulator);
    await put(uri, undefined, data);
    expect((await send({ url: uri, method: 'DELETE' })).status).toBe(404);
    expect(emulator.objects('media').has('clip')).toBe(true);
  });

  test('an unknown session, and a session of another bucket, are 404', async () => {
    const uri = await openSession(emulator);
    expect((await put(uri.replace(/upload_id=.*/, 'upload_id=guess'), 'bytes */*')).status).toBe(404);
    expect((await put(uri.replace('/b/media/', '/b/other/'), 'bytes */*')).status).toBe(404);
  });

  test('a connection can be used again after a chunk that was refused unread', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const uri = await openSession(emulator);
    const range = (text: string) => ({ 'content-range': text });
    const refused = await send({
      url: uri,
      method: 'PUT',
      agent,
      headers: range(`bytes ${QUANTUM}-${total - 1}/${total}`),
      body: data.subarray(QUANTUM),
    });
    const accepted = await send({ url: uri, method: 'PUT', agent, headers: range(`bytes 0-${total - 1}/${total}`), body: data });
    expect([refused.status, accepted.status, emulator.openSockets()]).toEqual([503, 200, 1]);
    agent.destroy();
    await until(() => emulator.openSockets() === 0);
  });
});

function md5Of(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64');
}

function crc32cOf(bytes: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(bytes));
  return sum.toString('base64');
}
