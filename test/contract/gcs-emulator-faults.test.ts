import { Agent } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FaultAction } from '../support/gcs-emulator/faults.ts';
import { type GcsEmulator, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { openSession, patternBytes, put, QUANTUM, standing, startSession } from '../support/gcs-emulator/session-client.ts';
import { begin, jsonOf, send, until, type WireAnswer } from '../support/gcs-emulator/wire.ts';

let emulator: GcsEmulator;
const data = patternBytes(4 * QUANTUM);
const total = data.length;
const whole = `bytes 0-${total - 1}/${total}`;

beforeAll(async () => {
  emulator = await startGcsEmulator({ buckets: [{ name: 'media' }] });
});
beforeEach(() => emulator.reset());
afterAll(() => emulator.close());

describe('faults on any request', () => {
  test('a status strikes as often as it was told, then the work is done', async () => {
    emulator.put('media', 'a', Buffer.from('x'));
    emulator.fault({ match: 'metadata', action: { status: 503, headers: { 'retry-after': '1' } }, times: 2 });
    const answers = [await object('GET'), await object('GET'), await object('GET')];
    expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([
      [503, '1'],
      [503, '1'],
      [200, undefined],
    ]);
    expect(emulator.pendingFaults()).toBe(0);
  });

  test('faults strike in the order they were scripted', async () => {
    for (const status of [500, 429, 408]) emulator.fault({ match: 'list', action: { status } });
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await api('/storage/v1/b/media/o')).status);
    expect(statuses).toEqual([500, 429, 408, 200]);
  });

  test('a fault waits for the request it is meant for', async () => {
    emulator.fault({ match: 'delete', action: 'reset' });
    emulator.put('media', 'a', Buffer.from('x'));
    expect((await object('GET')).status).toBe(200);
    expect(emulator.pendingFaults()).toBe(1);
    await expect(object('DELETE')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.objects('media').has('a')).toBe(true);
  });

  test('a predicate sees the request', async () => {
    emulator.fault({ match: ({ name }) => name === 'b', action: { status: 500 } });
    emulator.put('media', 'a', Buffer.from('x'));
    emulator.put('media', 'b', Buffer.from('x'));
    expect([(await object('GET', 'a')).status, (await object('GET', 'b')).status]).toEqual([200, 500]);
  });

  test('a lost answer loses the answer, not the work', async () => {
    emulator.put('media', 'a', Buffer.from('x'));
    emulator.fault({ match: 'delete', action: 'lost-answer' });
    await expect(object('DELETE')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.objects('media').has('a')).toBe(false);
  });

  test('a truncated download promises all and closes early', async () => {
    emulator.put('media', 'a', Buffer.from('0123456789'));
    emulator.fault({ match: 'download', action: { truncateAfterBytes: 4 } });
    const request = begin({ url: `${emulator.url}/storage/v1/b/media/o/a?alt=media`, headers: authorization() });
    const received = await new Promise<[string | undefined, string, boolean]>((resolve) => {
      request.on('response', (response) => {
        let text = '';
        response.on('data', (piece) => (text += piece));
        response.on('error', () => resolve([response.headers['content-length'], text, response.complete]));
      });
      request.end();
    });
    expect(received).toEqual(['10', '0123', false]);
  });

  test('a stalled request is never answered and is gone when its client is', async () => {
    emulator.fault({ match: 'metadata', action: 'stall' });
    const request = begin({ url: `${emulator.url}/storage/v1/b/media/o/a`, headers: authorization() });
    const failed = new Promise<unknown>((resolve) => request.on('error', resolve));
    request.end();
    await until(() => emulator.openRequests() === 1 && emulator.pendingFaults() === 0);
    request.destroy(new Error('client gave up'));
    expect(await failed).toMatchObject({ message: 'client gave up' });
    await until(() => emulator.openRequests() === 0 && emulator.openSockets() === 0);
    expect(emulator.requests).toMatchObject([{ method: 'GET', kind: 'metadata', bucket: 'media', name: 'a' }]);
    expect(emulator.requests[0]?.status).toBeUndefined();
  });

  test('a reset ends stalls and forgets everything', async () => {
    emulator.put('media', 'a', Buffer.from('x'));
    await openSession(emulator);
    emulator.fault({ match: 'list', action: 'stall', times: 2 });
    const stalled = api('/storage/v1/b/media/o');
    await until(() => emulator.count('list') === 1);
    const [, error] = await Promise.allSettled([emulator.reset(), stalled]);
    expect(error).toMatchObject({ status: 'rejected', reason: { code: 'ECONNRESET' } });
    expect([
      emulator.objects('media').size,
      emulator.liveSessions().length,
      emulator.pendingFaults(),
      emulator.requests.length,
    ]).toEqual([0, 0, 0, 0]);
  });
});

describe('faults on uploads', () => {
  test.each<[string, FaultAction, unknown[]]>([
    ['a reset', 'reset', ['ECONNRESET', 'EPIPE']],
    ['a 503', { status: 503 }, [503]],
  ])('%s in the middle keeps the bytes before it, down to 256 KiB', async (_, action, seen) => {
    const uri = await openSession(emulator);
    emulator.fault({ match: 'data', afterBytes: 2 * QUANTUM + 5000, action });
    const struck = await put(uri, whole, data).then(
      ({ status }) => status,
      (error) => error.code,
    );
    expect(seen).toContain(struck);
    expect(standing(await put(uri, 'bytes */*'))).toEqual([308, `bytes=0-${2 * QUANTUM - 1}`]);
    expect(emulator.objects('media').size).toBe(0);
    expect((await put(uri, `bytes ${2 * QUANTUM}-${total - 1}/${total}`, data.subarray(2 * QUANTUM))).status).toBe(200);
    expect(emulator.objects('media').get('clip')?.data().equals(data)).toBe(true);
  });

  test('a stall in the middle keeps the bytes before it and never answers', async () => {
    const uri = await openSession(emulator);
    emulator.fault({ match: 'data', afterBytes: QUANTUM + 1, action: 'stall' });
    const request = begin({ url: uri, method: 'PUT', declaredBytes: total, headers: { 'content-range': whole } });
    request.on('error', () => undefined);
    await new Promise<void>((resolve) => request.end(data, resolve));
    await until(() => emulator.pendingFaults() === 0 && emulator.liveSessions()[0]?.heldBytes === QUANTUM);
    expect(emulator.openRequests()).toBe(1);
    request.destroy();
    await until(() => emulator.openRequests() === 0 && emulator.openSockets() === 0);
    expect(standing(await put(uri, 'bytes */*'))).toEqual([308, `bytes=0-${QUANTUM - 1}`]);
  });

  test('faults at several points of one upload strike the requests that get there', async () => {
    const uri = await openSession(emulator);
    emulator.fault({ match: 'data', afterBytes: 3 * QUANTUM, action: { status: 500 } });
    emulator.fault({ match: 'data', afterBytes: QUANTUM, action: { status: 502 } });
    const statuses = [];
    for (let at = 0; at < 4; at += 1) {
      const range = `bytes ${at * QUANTUM}-${(at + 1) * QUANTUM - 1}/${total}`;
      const chunk = data.subarray(at * QUANTUM, (at + 1) * QUANTUM);
      const answer = await put(uri, range, chunk);
      statuses.push(answer.status);
      if (answer.status >= 500) statuses.push((await put(uri, range, chunk)).status);
    }
    expect(statuses).toEqual([308, 502, 308, 308, 500, 200]);
  });

  test('a fault without an offset strikes before any byte counts', async () => {
    const uri = await openSession(emulator);
    emulator.fault({ match: 'final', action: { status: 503 } });
    expect((await put(uri, whole, data)).status).toBe(503);
    expect(standing(await put(uri, 'bytes */*'))).toEqual([308, undefined]);
  });

  test('a lost final answer leaves the object and a session that says so', async () => {
    const uri = await openSession(emulator);
    emulator.fault({ match: 'final', action: 'lost-answer' });
    await expect(put(uri, whole, data)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(emulator.objects('media').get('clip')?.size).toBe(total);
    expect(jsonOf(await put(uri, 'bytes */*'))).toMatchObject({ size: String(total) });
  });

  test('308 without progress repeats what is held; with an offset it moves only that far', async () => {
    const uri = await openSession(emulator);
    emulator.fault({ match: 'data', action: 'no-progress' });
    emulator.fault({ match: 'data', afterBytes: QUANTUM + 1, action: 'no-progress' });
    expect(standing(await put(uri, whole, data))).toEqual([308, undefined]);
    expect(standing(await put(uri, whole, data))).toEqual([308, `bytes=0-${QUANTUM - 1}`]);
  });

  test('an expired session is 410 from then on', async () => {
    const uri = await openSession(emulator);
    emulator.fault({ match: 'data', action: 'expire' });
    expect((await put(uri, whole, data)).status).toBe(410);
    expect((await put(uri, 'bytes */*')).status).toBe(410);
    expect(emulator.liveSessions()).toEqual([]);
  });

  test('start, status and cancel can fail too', async () => {
    emulator.fault({ match: 'start', action: { status: 503 } });
    expect((await startSession(emulator)).status).toBe(503);
    const uri = await openSession(emulator);
    emulator.fault({ match: 'status', action: { status: 500 } });
    expect((await put(uri, 'bytes */*')).status).toBe(500);
    emulator.fault({ match: 'cancel', action: { status: 502 } });
    expect((await send({ url: uri, method: 'DELETE' })).status).toBe(502);
    expect(emulator.liveSessions().length).toBe(1);
  });

  test('a pause stops the reading, and the sender feels it; then all goes on', async () => {
    const big = Buffer.alloc(64 * QUANTUM);
    const uri = await openSession(emulator);
    emulator.fault({ match: 'data', afterBytes: QUANTUM, action: { stallMs: 300 } });
    const startedMs = performance.now();
    const request = begin({ url: uri, method: 'PUT', declaredBytes: big.length, headers: {} });
    const sentAfterMs = new Promise<number>((resolve) => request.write(big, () => resolve(performance.now() - startedMs)));
    const status = new Promise((resolve) => request.on('response', (response) => resolve(response.statusCode)));
    request.end();
    expect(await sentAfterMs).toBeGreaterThan(250);
    expect(await status).toBe(200);
  });

  test('a session keeps accepting bytes on the same connection after a fault', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const uri = await openSession(emulator);
    emulator.fault({ match: 'data', afterBytes: QUANTUM + 1, action: { status: 503 } });
    const request = { url: uri, method: 'PUT', agent, headers: { 'content-range': whole }, body: data };
    expect([(await send(request)).status, (await send(request)).status]).toEqual([503, 200]);
    agent.destroy();
  });
});

describe('outages', () => {
  test('a server that is down refuses connections until it is up again, at the same address', async () => {
    emulator.put('media', 'a', Buffer.from('x'));
    await emulator.down('refuse');
    await expect(object('GET')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await emulator.up();
    expect((await object('GET')).status).toBe(200);
  });

  test('a server that hangs answers nothing', async () => {
    await emulator.down('hang');
    const request = begin({ url: `${emulator.url}/storage/v1/b/media`, headers: authorization() });
    request.on('error', () => undefined);
    request.end();
    await until(() => emulator.openRequests() === 1);
    request.destroy();
    await emulator.up();
    expect((await api('/storage/v1/b/media')).status).toBe(200);
  });
});

function authorization(): Record<string, string> {
  return { authorization: `Bearer ${emulator.accessToken}` };
}

function api(path: string, method = 'GET'): Promise<WireAnswer> {
  return send({ url: `${emulator.url}${path}`, method, headers: authorization() });
}

function object(method: string, name = 'a'): Promise<WireAnswer> {
  return api(`/storage/v1/b/media/o/${name}`, method);
}
