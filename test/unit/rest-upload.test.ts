import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { restDoor } from '../../src/rest/door.ts';
import { boundary, formBytes, formType, type Part } from '../support/forms.ts';
import { authenticateByName, type ListeningServer, listening } from '../support/http.ts';
import { type MemoryLibrary, memoryLibrary, mp4Of, pngOf } from '../support/memory.ts';

let memory: MemoryLibrary;
let server: ListeningServer;

beforeEach(async () => {
  memory = memoryLibrary({ maxImageBytes: 100_000, maxVideoBytes: 30_000_000 });
  const baseUrl = (): string => server.url;
  server = await listening({ doors: [restDoor({ library: memory.library, authenticate: authenticateByName, baseUrl })] });
});

afterEach(() => server.server.close({ graceSeconds: 0 }));

type Json = Record<string, unknown>;

const png = pngOf(2000);
const file: Part = { name: 'file', filename: 'a.png', type: 'image/png', value: png };

function post(body: Buffer, type = formType, kind = 'image'): Promise<Response> {
  const init = { method: 'POST', headers: { authorization: 'Bearer anna', 'content-type': type }, body: new Uint8Array(body) };
  return fetch(`${server.url}/api/v1/media/upload/${kind}`, init);
}

function leavesNothing(): void {
  expect(memory.storage.objects.size).toBe(0);
  expect([...memory.store.rows.values()]).toEqual([]);
}

async function expectRefused(answer: Response, detail: RegExp): Promise<void> {
  expect(await answer.json()).toMatchObject({
    status: 400,
    code: 'BAD_USER_INPUT',
    detail: expect.stringMatching(detail) as unknown,
  });
  expect(answer.status).toBe(400);
  leavesNothing();
}

describe('an upload', () => {
  test('makes an asset of the bytes, whatever name and type are claimed', async () => {
    const answer = await post(formBytes({ ...file, filename: 'C:\\photos\\a.exe', type: 'text/html' }));
    const asset = (await answer.json()) as Json;
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`${server.url}/api/v1/media/${asset.id}`);
    expect(asset).toMatchObject({
      kind: 'IMAGE',
      status: 'READY',
      filename: 'a.exe',
      mimeType: 'image/png',
      size: 2000,
      width: 3,
      height: 2,
      title: null,
      altText: null,
      tags: [],
      animated: false,
    });
    expect(memory.storage.objects.get(`${asset.id}/original`)?.equals(png)).toBe(true);
  });

  test('of a video keeps every byte, across many reads', async () => {
    const bytes = mp4Of(20_000_000);
    const answer = await post(formBytes({ name: 'file', filename: 'v.mp4', value: bytes }), formType, 'video');
    const asset = (await answer.json()) as Json;
    expect(asset).toMatchObject({
      kind: 'VIDEO',
      size: bytes.length,
      duration: 1.5,
      videoCodec: 'avc',
      audioCodec: null,
      frameRate: 25,
    });
    expect(asset).not.toHaveProperty('animated');
    expect(memory.storage.objects.get(`${asset.id}/original`)?.equals(bytes)).toBe(true);
  });

  test('takes its description from the parts before the file, and ignores what clients add', async () => {
    const answer = await post(
      formBytes(
        { name: 'relativePath', value: 'null' },
        { name: 'name', value: 'a.png' },
        { name: 'type', value: 'image/png' },
        { name: 'title', value: 'Morgenröte 🌅' },
        { name: 'altText', value: 'A lighthouse' },
        { name: 'tags', value: 'sea, and sky' },
        { name: 'tags', value: '["a","[b]"]' },
        { name: 'tags', value: '' },
        { ...file, filename: 'Größe.png' },
        { name: 'title', value: 'too late' },
      ),
    );
    expect(await answer.json()).toMatchObject({
      title: 'Morgenröte 🌅',
      altText: 'A lighthouse',
      tags: ['sea, and sky', 'a', '[b]'],
      filename: 'Größe.png',
    });
  });

  test('ignores what follows the file, whether it comes in the same packet or later', async () => {
    const late: Part = { name: 'title', value: 'late' };
    const form = formBytes(file, late);
    const whole = (await (await post(form)).json()) as Json;
    const cut = form.indexOf('name="title"') - 60;
    const pieces = (async function* () {
      yield form.subarray(0, cut);
      await sleep(200);
      yield form.subarray(cut);
    })();
    const init: RequestInit = {
      method: 'POST',
      headers: { authorization: 'Bearer anna', 'content-type': formType },
      body: ReadableStream.from(pieces),
      duplex: 'half',
    };
    const slow = (await (await fetch(`${server.url}/api/v1/media/upload/image`, init)).json()) as Json;
    expect([whole.title, slow.title]).toEqual([null, null]);
    const tooLong = formBytes(file, { name: 'title', value: 'x'.repeat(301) });
    expect((await post(tooLong)).status).toBe(201);
  });

  test.each(['..', '.', '/', '../..'])('named %s is kept as `file`', async (filename) => {
    const answer = await post(formBytes({ ...file, filename }));
    expect([answer.status, ((await answer.json()) as Json).filename]).toEqual([201, 'file']);
  });

  test('takes the name from filename*, which some clients send', async () => {
    const disposition = `form-data; name="file"; filename="x.png"; filename*=UTF-8''na%C3%AFve.png`;
    expect(await (await post(formBytes({ ...file, disposition }))).json()).toMatchObject({ filename: 'naïve.png' });
  });

  test('sent by fetch with a FormData works, in chunks of unknown length too', async () => {
    const form = new FormData();
    form.append('title', 'Chunked');
    form.append('file', new Blob([new Uint8Array(png)]), 'a.png');
    const headers = { authorization: 'Bearer anna' };
    const answer = await fetch(`${server.url}/api/v1/media/upload/image`, { method: 'POST', headers, body: form });
    expect(await answer.json()).toMatchObject({ title: 'Chunked', size: 2000 });
  });

  test('of the second file of a form does not happen: a request is one file', async () => {
    const answer = await post(formBytes(file, { ...file, filename: 'b.png' }));
    expect(await answer.json()).toMatchObject({ filename: 'a.png' });
    expect(memory.store.rows.size).toBe(1);
  });
});

describe('a form that does not fit is BAD_USER_INPUT, at once', () => {
  const cases: [string, Buffer, string, RegExp][] = [
    ['no form at all', Buffer.from('{}'), 'application/json', /multipart\/form-data/],
    ['a urlencoded form', Buffer.from('file=a'), 'application/x-www-form-urlencoded', /multipart\/form-data/],
    ['no boundary', formBytes(file), 'multipart/form-data', /boundary/],
    ['another boundary', formBytes(file), 'multipart/form-data; boundary=other', /damaged|too early/],
    ['an empty body', Buffer.alloc(0), formType, /./],
    ['no part', formBytes(), formType, /./],
    ['no file', formBytes({ name: 'title', value: 'x' }), formType, /has no file/],
    ['a file of another name', formBytes({ ...file, name: 'image' }), formType, /part named `file`/],
    ['a file without a filename', formBytes({ name: 'file', value: png, type: 'image/png' }), formType, /no filename/],
    [
      'bytes without a filename',
      formBytes({ name: 'file', value: png, type: 'application/octet-stream' }),
      formType,
      /no filename/,
    ],
    ['an empty filename', formBytes({ ...file, filename: '' }), formType, /no filename/],
    [
      'a title twice',
      formBytes({ name: 'title', value: 'a' }, { name: 'title', value: 'b' }, file),
      formType,
      /more than one `title`/,
    ],
    ['a title beyond measure', formBytes({ name: 'title', value: 'x'.repeat(40_000) }, file), formType, /too long/],
    ['a title of 301 characters', formBytes({ name: 'title', value: 'x'.repeat(301) }, file), formType, /301 characters/],
    ['a NUL', formBytes({ name: 'altText', value: 'a\u0000b' }, file), formType, /NUL/],
    ['tags of numbers', formBytes({ name: 'tags', value: '[1]' }, file), formType, /`tags`/],
    ['tags that are no JSON', formBytes({ name: 'tags', value: '[a' }, file), formType, /`tags`/],
    [
      'an unknown charset',
      formBytes({ name: 'title', value: 'a', type: 'text/plain; charset=klingon' }, file),
      formType,
      /charset/,
    ],
    [
      '300 fields',
      formBytes(...Array.from({ length: 300 }, () => ({ name: 'x', value: 'y' })), file),
      formType,
      /too many fields/,
    ],
    ['much before the file', formBytes({ name: 'x', value: 'y'.repeat(400_000) }, file), formType, /must come early/],
    [
      'a broken part header',
      Buffer.from(`--${boundary}\r\nContent-Disposition form-data\r\n\r\nx\r\n--${boundary}--`),
      formType,
      /damaged/,
    ],
    ['a form cut in the file', formBytes(file).subarray(0, 1000), formType, /ends in the middle|too early/],
    ['a form cut in a field', formBytes({ name: 'title', value: 'xxxxxxxxx' }).subarray(0, 90), formType, /damaged|too early/],
  ];

  test.each(cases)('%s', async (_name, body, type, detail) => {
    await expectRefused(await post(body, type), detail);
  });

  test('a video cut in the middle, too', async () => {
    const body = formBytes({ name: 'file', filename: 'v.mp4', value: mp4Of(9_000_000) }).subarray(0, 5_000_000);
    await expectRefused(await post(body, formType, 'video'), /ends in the middle/);
  });

  test('no body and no type', async () => {
    const answer = await fetch(`${server.url}/api/v1/media/upload/image`, {
      method: 'POST',
      headers: { authorization: 'Bearer anna' },
    });
    await expectRefused(answer, /multipart\/form-data/);
  });
});

test('over the limit of a video, which was being stored', async () => {
  const answer = await post(formBytes({ name: 'file', filename: 'v.mp4', value: mp4Of(30_000_001) }), formType, 'video');
  expect(answer.status).toBe(413);
  expect(await answer.json()).toMatchObject({
    code: 'FILE_TOO_LARGE',
    detail: expect.stringMatching(/30000000 bytes/) as unknown,
  });
  leavesNothing();
});

test('a storage that is away is said so, and nothing is left', async () => {
  memory.storage.failing = true;
  const answer = await post(formBytes(file));
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
});
