import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { restDoor } from '../../src/rest/door.ts';
import { DeliveringLibrary } from '../support/delivery.ts';
import { boundary, formBytes, formType, type Part, partBytes } from '../support/forms.ts';
import { authenticateByName, connected, type ListeningServer, listening, received, until } from '../support/http.ts';
import { type MemoryLibrary, memoryLibrary, mp4Of, pngOf } from '../support/memory.ts';

let memory: MemoryLibrary;
let server: ListeningServer;

beforeEach(async () => {
  memory = memoryLibrary({ maxImageBytes: 100_000, maxVideoBytes: 30_000_000 });
  const baseUrl = (): string => server.url;
  server = await listening({ doors: [restDoor({ library: memory.library, authenticate: authenticateByName, baseUrl })] });
});

afterEach(() => server.server.close({ graceSeconds: 0 }));

const file: Part = { name: 'file', filename: 'a.png', type: 'image/png', value: pngOf(2000) };

/** The head of an upload, to be followed by its body by hand. */
function head(length: number, kind = 'video', extra = ''): string {
  return [
    `POST /api/v1/media/upload/${kind} HTTP/1.1`,
    'Host: x',
    'Authorization: Bearer anna',
    `Content-Type: ${formType}`,
    `Content-Length: ${length}`,
    `${extra}\r\n`,
  ].join('\r\n');
}

function leavesNothing(): void {
  expect(memory.storage.objects.size).toBe(0);
  expect([...memory.store.rows.values()]).toEqual([]);
}

describe('a refusal reaches a client that is still sending', () => {
  async function refusal(request: string, body: Buffer): Promise<string> {
    const socket = await connected(server.port);
    const answer = received(socket, /requestId":"[^"]+"\}/);
    socket.write(request);
    socket.write(body);
    const text = await answer;
    socket.destroy();
    return text;
  }

  test('without a token, before a byte of the body is looked at', async () => {
    const request = head(1_000_000_000).replace('Authorization: Bearer anna\r\n', '');
    expect(await refusal(request, Buffer.alloc(1000))).toMatch(/^HTTP\/1\.1 401 [\s\S]*UNAUTHENTICATED/);
  });

  test('of another type', async () => {
    const part = partBytes({ ...file, value: Buffer.alloc(100_000, 'x') });
    expect(await refusal(head(1_000_000_000), part)).toMatch(/^HTTP\/1\.1 415 [\s\S]*UNSUPPORTED_MEDIA_TYPE/);
  });

  test('over the limit', async () => {
    const part = partBytes({ ...file, value: pngOf(200_000) });
    expect(await refusal(head(1_000_000_000, 'image'), part)).toMatch(/^HTTP\/1\.1 413 [\s\S]*FILE_TOO_LARGE/);
    await until(() => memory.store.rows.size === 0);
    leavesNothing();
  });

  test('and the same connection takes the next request', async () => {
    const socket = await connected(server.port);
    const body = formBytes({ ...file, value: pngOf(200_000) });
    const refused = received(socket, /requestId":"[^"]+"\}/);
    socket.write(head(body.length, 'image'));
    socket.write(body);
    await refused;
    const next = received(socket, /"mimeType":"image\/png"/);
    const good = formBytes(file);
    socket.write(head(good.length, 'image'));
    socket.write(good);
    expect(await next).toMatch(/^HTTP\/1\.1 201 /);
    socket.destroy();
  });
});

describe('a client that goes away', () => {
  test('in the middle of the file leaves nothing', async () => {
    const socket = await connected(server.port);
    socket.write(head(20_000_000));
    socket.write(partBytes({ ...file, value: mp4Of(5_000_000) }).subarray(0, 4_000_000));
    await until(() => memory.store.rows.size === 1);
    socket.destroy();
    await until(() => memory.store.rows.size === 0);
    leavesNothing();
    await until(() => server.logged.some(({ status }) => status === 499));
    expect(server.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  test('before the file has begun leaves nothing', async () => {
    const socket = await connected(server.port);
    socket.write(head(20_000_000));
    socket.write(partBytes({ name: 'title', value: 'x' }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await until(() => server.logged.some(({ status }) => status === 499));
    leavesNothing();
  });

  test('after the file has arrived whole finds it later', async () => {
    const slow = new DeliveringLibrary();
    slow.storage.storingMs = 400;
    const door = restDoor({ library: slow.library, authenticate: authenticateByName, baseUrl: () => '' });
    const storing = await listening({ doors: [door] });
    const socket = await connected(storing.port);
    socket.write(head(20_000_000));
    // The next part has begun, so the file has ended; the form has not.
    socket.write(Buffer.concat([partBytes({ ...file, value: mp4Of(5_000_000) }), Buffer.from(`--${boundary}\r\nContent-Dis`)]));
    await new Promise<void>((resolve) => socket.end(resolve));
    socket.destroy();
    await until(() => storing.logged.some(({ status }) => status === 499));
    expect([...slow.store.rows.values()].map(({ state }) => state)).toEqual(['UPLOADING']);
    await until(() => [...slow.store.rows.values()].some(({ state }) => state === 'READY'));
    expect([...slow.storage.memory.objects.values()].map(({ length }) => length)).toEqual([5_000_000]);
    await storing.server.close({ graceSeconds: 0 });
  });

  test('falls silent in the middle and is cut off', async () => {
    const impatient = await listening({
      idleSeconds: 0.3,
      doors: [restDoor({ library: memory.library, authenticate: authenticateByName, baseUrl: () => '' })],
    });
    const socket = await connected(impatient.port);
    const closed = new Promise((resolve) => socket.on('close', resolve).resume());
    socket.write(head(20_000_000));
    socket.write(partBytes({ ...file, value: mp4Of(5_000_000) }).subarray(0, 4_000_000));
    await closed;
    await until(() => memory.store.rows.size === 0);
    leavesNothing();
    await impatient.server.close({ graceSeconds: 0 });
  });
});

test('an answer is given as soon as the file is stored, though the form has not ended', async () => {
  const socket = await connected(server.port);
  const answer = received(socket, /"mimeType":"image\/png"/);
  socket.write(head(1_000_000, 'image'));
  socket.write(Buffer.concat([partBytes(file), Buffer.from(`--${boundary}\r\n`)]));
  expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
  socket.destroy();
});
