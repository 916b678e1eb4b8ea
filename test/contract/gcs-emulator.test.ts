import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import { type GcsEmulator, startGcsEmulator, TEST_ACCESS_TOKEN } from '../support/gcs-emulator/server.ts';
import { jsonOf, send, type WireAnswer, type WireRequest } from '../support/gcs-emulator/wire.ts';

let emulator: GcsEmulator;

beforeAll(async () => {
  emulator = await startGcsEmulator({
    buckets: [
      { name: 'media', uniformBucketLevelAccess: true, publicAccessPrevention: 'enforced', lifecycle: { rule: [] } },
      { name: 'limited', permissions: ['storage.objects.get'] },
    ],
  });
});
beforeEach(() => emulator.reset());
afterAll(() => emulator.close());

describe('buckets', () => {
  test('a bucket answers with the settings it was declared with', async () => {
    const answer = await api('/storage/v1/b/media');
    expect(answer.status).toBe(200);
    expect(jsonOf(answer)).toMatchObject({
      kind: 'storage#bucket',
      name: 'media',
      iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
      lifecycle: { rule: [] },
    });
    expect(jsonOf(answer)).not.toHaveProperty('cors');
  });

  test('a bucket nobody declared is 404 in the shape of Google errors', async () => {
    const answer = await api('/storage/v1/b/nowhere');
    expect(answer.status).toBe(404);
    const message = 'The specified bucket does not exist.';
    expect(jsonOf(answer)).toEqual({
      error: { code: 404, message, errors: [{ message, domain: 'global', reason: 'notFound' }] },
    });
  });

  test('only the granted ones of the asked permissions come back', async () => {
    const query = 'permissions=storage.objects.get&permissions=storage.objects.delete';
    const granted = await api(`/storage/v1/b/limited/iam/testPermissions?${query}`);
    expect(jsonOf(granted)).toEqual({ kind: 'storage#testIamPermissionsResponse', permissions: ['storage.objects.get'] });
    const none = await api('/storage/v1/b/limited/iam/testPermissions?permissions=storage.objects.delete');
    expect(jsonOf(none)).toEqual({ kind: 'storage#testIamPermissionsResponse' });
  });

  test('CORS rules can be changed, nothing else', async () => {
    const cors = [{ origin: ['https://app.example'], method: ['GET'] }];
    const changed = await api('/storage/v1/b/limited', { method: 'PATCH', body: JSON.stringify({ cors }) });
    expect(jsonOf(changed)).toMatchObject({ cors, metageneration: '2' });
    const refused = await api('/storage/v1/b/limited', { method: 'PATCH', body: JSON.stringify({ storageClass: 'COLDLINE' }) });
    expect(refused.status).toBe(400);
  });
});

describe('authorization', () => {
  test('a request without a token is 401', async () => {
    const answer = await send({ url: `${emulator.url}/storage/v1/b/media` });
    expect(answer.status).toBe(401);
    expect(reasonOf(answer)).toBe('required');
  });

  test('a request with a wrong token is 401', async () => {
    const answer = await send({ url: `${emulator.url}/storage/v1/b/media`, headers: { authorization: 'Bearer guessed' } });
    expect(answer.status).toBe(401);
    expect(reasonOf(answer)).toBe('authError');
  });

  test('what is not emulated is 501, not a quiet success', async () => {
    const answer = await api('/storage/v1/b/media/o/a/rewriteTo/b/media/o/b', { method: 'POST' });
    expect(answer.status).toBe(501);
  });
});

describe('objects', () => {
  test('an uploaded object has the fields of the reference', async () => {
    const data = Buffer.from('123456789');
    const answer = await upload('a/ü 1.txt', data, { 'content-type': 'text/plain' });
    expect(answer.status).toBe(200);
    const resource = jsonOf(answer);
    expect(resource).toMatchObject({
      kind: 'storage#object',
      id: `media/a/ü 1.txt/${resource.generation}`,
      name: 'a/ü 1.txt',
      bucket: 'media',
      metageneration: '1',
      contentType: 'text/plain',
      size: '9',
      crc32c: '4waSgw==',
      md5Hash: createHash('md5').update(data).digest('base64'),
    });
    expect(resource.generation).toMatch(/^\d+$/);
    expect(new Date(String(resource.timeCreated)).toISOString()).toBe(resource.timeCreated);
    expect(jsonOf(await api(objectPath('a/ü 1.txt')))).toEqual(resource);
  });

  test('an empty object has the size "0"', async () => {
    expect(jsonOf(await upload('empty', Buffer.alloc(0)))).toMatchObject({ size: '0', crc32c: 'AAAAAA==' });
  });

  test('a new version has a greater generation and replaces the old one', async () => {
    const first = jsonOf(await upload('a', Buffer.from('1')));
    const second = jsonOf(await upload('a', Buffer.from('2')));
    expect(Number(second.generation)).toBeGreaterThan(Number(first.generation));
    expect((await api(`${objectPath('a')}?generation=${first.generation}`)).status).toBe(404);
  });

  test('a multipart upload stores the resource of its first part and the bytes of its second', async () => {
    const resource = { name: 'm', contentType: 'image/png', cacheControl: 'private', metadata: { owner: 'u1' } };
    const answer = await multipart(JSON.stringify(resource), Buffer.from([0, 13, 10, 45, 45, 255]));
    expect(jsonOf(answer)).toMatchObject({ ...resource, size: '6' });
    expect(emulator.objects('media').get('m')?.data()).toEqual(Buffer.from([0, 13, 10, 45, 45, 255]));
  });

  test('a multipart body that was cut short stores nothing', async () => {
    const answer = await multipart(JSON.stringify({ name: 'm' }), Buffer.from('x'), '');
    expect(answer.status).toBe(400);
    expect(emulator.objects('media').size).toBe(0);
  });

  test('custom metadata that is not a string is 400', async () => {
    const answer = await multipart(JSON.stringify({ name: 'm', metadata: { pages: 3 } }), Buffer.from('x'));
    expect(answer.status).toBe(400);
    expect(emulator.objects('media').size).toBe(0);
  });

  test('custom metadata above 8 KiB is 400', async () => {
    const resource = (sizeBytes: number) =>
      JSON.stringify({ name: 'm', metadata: { note: 'x'.repeat(sizeBytes - 'note'.length) } });
    expect((await multipart(resource(8192), Buffer.from('x'))).status).toBe(200);
    expect((await multipart(resource(8193), Buffer.from('x'))).status).toBe(400);
  });

  test('bytes that do not match X-Goog-Hash are refused and stay invisible', async () => {
    const answer = await upload('a', Buffer.from('123456789'), { 'x-goog-hash': 'crc32c=AAAAAA==' });
    expect(answer.status).toBe(400);
    expect(messageOf(answer)).toBe('Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "4waSgw==".');
    expect(emulator.objects('media').size).toBe(0);
  });

  test('an ACL is refused on a bucket with uniform access', async () => {
    const answer = await api('/upload/storage/v1/b/media/o?uploadType=media&name=a&predefinedAcl=publicRead', {
      method: 'POST',
      body: 'x',
    });
    expect(answer.status).toBe(400);
  });

  test.each(['', '.', '..', 'line\nend', 'x'.repeat(1025)])('the name %j is refused', async (name) => {
    const answer = await upload(name, Buffer.from('x'));
    expect(answer.status).toBe(400);
  });

  test('a patch changes settings and the metageneration, never the generation', async () => {
    const { generation } = emulator.put('media', 'a', Buffer.from('x'), {
      contentType: 'text/plain',
      metadata: { a: '1', b: '2' },
    });
    const patch = { contentType: null, cacheControl: 'no-store', metadata: { a: null, c: '3' } };
    const answer = await api(objectPath('a'), { method: 'PATCH', body: JSON.stringify(patch) });
    expect(jsonOf(answer)).toMatchObject({
      generation,
      metageneration: '2',
      cacheControl: 'no-store',
      metadata: { b: '2', c: '3' },
    });
    expect(jsonOf(answer)).not.toHaveProperty('contentType');
    const stale = await api(`${objectPath('a')}?ifMetagenerationMatch=1`, { method: 'PATCH', body: '{}' });
    expect(stale.status).toBe(412);
  });

  test('a delete is 204, and 404 the second time', async () => {
    emulator.put('media', 'a', Buffer.from('x'));
    expect((await api(objectPath('a'), { method: 'DELETE' })).status).toBe(204);
    const again = await api(objectPath('a'), { method: 'DELETE' });
    expect(again.status).toBe(404);
    expect(messageOf(again)).toBe('No such object: media/a');
  });

  test('a delete of another generation is 412 and deletes nothing', async () => {
    const { generation } = emulator.put('media', 'a', Buffer.from('x'));
    const refused = await api(`${objectPath('a')}?ifGenerationMatch=${Number(generation) - 1}`, { method: 'DELETE' });
    expect(refused.status).toBe(412);
    expect(reasonOf(refused)).toBe('conditionNotMet');
    expect(emulator.objects('media').has('a')).toBe(true);
    expect((await api(`${objectPath('a')}?ifGenerationMatch=${generation}`, { method: 'DELETE' })).status).toBe(204);
  });

  test('ifGenerationMatch=0 creates and never replaces', async () => {
    const path = '/upload/storage/v1/b/media/o?uploadType=media&name=a&ifGenerationMatch=0';
    expect((await api(path, { method: 'POST', body: 'first' })).status).toBe(200);
    expect((await api(path, { method: 'POST', body: 'second' })).status).toBe(412);
    expect(emulator.objects('media').get('a')?.data().toString()).toBe('first');
  });

  test('a precondition that is not a number is 400', async () => {
    emulator.put('media', 'a', Buffer.from('x'));
    expect((await api(`${objectPath('a')}?ifGenerationMatch=latest`)).status).toBe(400);
  });
});

describe('downloads', () => {
  const data = Buffer.from('0123456789');

  test.each(['/storage/v1', '/download/storage/v1'])('%s serves the bytes with their checksums', async (prefix) => {
    const { generation } = emulator.put('media', 'a', data, { contentType: 'text/plain', contentDisposition: 'inline' });
    const answer = await api(`${prefix}/b/media/o/a?alt=media`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(data);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain',
      'content-disposition': 'inline',
      'content-length': '10',
      'x-goog-generation': generation,
      'x-goog-hash': `crc32c=${crc32cOf(data)},md5=${createHash('md5').update(data).digest('base64')}`,
    });
  });

  test.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
  ])('the range %s is 206 with %s', async (range, body, contentRange) => {
    emulator.put('media', 'a', data);
    const answer = await download({ range });
    expect([answer.status, answer.body.toString(), answer.headers['content-range']]).toEqual([206, body, contentRange]);
  });

  test.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('the range %s is 416 and names the size', async (range) => {
    emulator.put('media', 'a', data);
    const answer = await download({ range });
    expect([answer.status, answer.headers['content-range']]).toEqual([416, 'bytes */10']);
  });

  test.each(['bytes=0-1,4-5', 'bytes=5-2', 'lines=1-2'])('the range %s is ignored', async (range) => {
    emulator.put('media', 'a', data);
    expect((await download({ range })).status).toBe(200);
  });

  test('an entity tag the client holds is 304 without a body; one it insists on is 412', async () => {
    emulator.put('media', 'a', data);
    const etag = (await download({})).headers.etag ?? '';
    const cached = await download({ 'if-none-match': etag });
    expect([cached.status, cached.body.length]).toEqual([304, 0]);
    expect((await download({ 'if-none-match': '"other"' })).status).toBe(200);
    expect((await download({ 'if-match': '"other"' })).status).toBe(412);
  });

  test('generation preconditions on a read are 304 or 412', async () => {
    const { generation } = emulator.put('media', 'a', data);
    expect((await api(`${objectPath('a')}?ifGenerationNotMatch=${generation}`)).status).toBe(304);
    expect((await api(`${objectPath('a')}?ifGenerationMatch=1`)).status).toBe(412);
    expect((await api(`${objectPath('a')}?ifMetagenerationMatch=1&ifGenerationMatch=${generation}`)).status).toBe(200);
  });

  test('a disposition outside ASCII travels as UTF-8; one with a line end is refused when it is set', async () => {
    const contentDisposition = 'attachment; filename="日本.txt"';
    emulator.put('media', 'a', data, { contentDisposition });
    const header = (await download({})).headers['content-disposition'] ?? '';
    expect(Buffer.from(header, 'latin1').toString()).toBe(contentDisposition);
    const patch = { method: 'PATCH', body: JSON.stringify({ contentDisposition: 'inline\r\nx-evil: 1' }) };
    expect((await api(objectPath('a'), patch)).status).toBe(400);
  });

  test('an absent object is 404', async () => {
    expect((await download({})).status).toBe(404);
  });

  test('an emulator that keeps no bytes still knows the size and the CRC32C', async () => {
    const counting = await startGcsEmulator({ buckets: [{ name: 'media' }], keepBytes: false });
    try {
      const view = counting.put('media', 'a', data);
      expect([view.size, view.crc32c]).toEqual([10, crc32cOf(data)]);
      expect(() => view.data()).toThrow('keepBytes');
    } finally {
      await counting.close();
    }
  });
});

describe('lists', () => {
  test('names come in byte order, page by page, each once', async () => {
    for (const name of ['b', 'a', 'é', 'a/2', 'a/1', 'Z']) emulator.put('media', name, Buffer.from(name));
    const names: string[] = [];
    let token = '';
    do {
      const page = jsonOf(await api(`/storage/v1/b/media/o?maxResults=2&pageToken=${token}`));
      names.push(...namesIn(page));
      token = String(page.nextPageToken ?? '');
    } while (token !== '');
    expect(names).toEqual(['Z', 'a', 'a/1', 'a/2', 'b', 'é']);
    expect(emulator.count('list')).toBe(3);
  });

  test('a prefix narrows and a delimiter folds', async () => {
    for (const name of ['u/1/original', 'u/1/thumb', 'u/2/original', 'u/readme', 'v/1'])
      emulator.put('media', name, Buffer.from(name));
    const page = jsonOf(await api('/storage/v1/b/media/o?prefix=u/&delimiter=/'));
    expect([namesIn(page), page.prefixes]).toEqual([['u/readme'], ['u/1/', 'u/2/']]);
  });

  test('an empty list has no items', async () => {
    expect(jsonOf(await api('/storage/v1/b/media/o'))).toEqual({ kind: 'storage#objects' });
  });

  test('a page token that was not handed out is 400', async () => {
    expect((await api('/storage/v1/b/media/o?pageToken=guess')).status).toBe(400);
  });
});

function api(path: string, more: Omit<WireRequest, 'url'> = {}): Promise<WireAnswer> {
  const headers = { authorization: `Bearer ${TEST_ACCESS_TOKEN}`, ...more.headers };
  return send({ ...more, url: `${emulator.url}${path}`, headers });
}

function upload(name: string, body: Buffer, headers: Record<string, string> = {}): Promise<WireAnswer> {
  return api(`/upload/storage/v1/b/media/o?uploadType=media&name=${encodeURIComponent(name)}`, { method: 'POST', headers, body });
}

function multipart(resource: string, media: Buffer, closing = '\r\n--cut--'): Promise<WireAnswer> {
  const head = `--cut\r\nContent-Type: application/json\r\n\r\n${resource}\r\n--cut\r\nContent-Type: image/png\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), media, Buffer.from(closing)]);
  const headers = { 'content-type': 'multipart/related; boundary=cut' };
  return api('/upload/storage/v1/b/media/o?uploadType=multipart', { method: 'POST', headers, body });
}

function download(headers: Record<string, string>): Promise<WireAnswer> {
  return api(`${objectPath('a')}?alt=media`, { headers });
}

function objectPath(name: string): string {
  return `/storage/v1/b/media/o/${encodeURIComponent(name)}`;
}

function crc32cOf(data: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32c(data));
  return bytes.toString('base64');
}

function namesIn(page: Record<string, unknown>): string[] {
  return ((page.items ?? []) as { name: string }[]).map((item) => item.name);
}

function messageOf(answer: WireAnswer): unknown {
  return (jsonOf(answer).error as { message: unknown }).message;
}

function reasonOf(answer: WireAnswer): unknown {
  return (jsonOf(answer).error as { errors: { reason: unknown }[] }).errors[0]?.reason;
}
