import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  beginForm,
  formHeaders,
  formOf,
  type GraphqlServer,
  headOf,
  heard,
  operationParts,
  postForm,
  send,
  startGraphqlServer,
} from '../support/graphql-server.ts';
import { mp4Of, pngOf } from '../support/memory.ts';

const uploadImage = 'mutation ($file: Upload!) { uploadImage(file: $file) { id filename size width } }';
const uploadTwoVideos =
  'mutation ($a: Upload!, $b: Upload!) { a: uploadVideo(file: $a) { size } b: uploadVideo(file: $b) { size } }';
const twoFiles = { 0: ['variables.a'], 1: ['variables.b'] };
const noTwoFiles = { a: null, b: null };
const megabyte = 1024 * 1024;
const png = { name: '0', filename: 'a.png', value: pngOf(100_000) };

let server: GraphqlServer;

beforeAll(async () => {
  server = await startGraphqlServer({ maxImageBytes: megabyte, maxVideoBytes: 40 * megabyte });
});

afterAll(() => server.close());

/** Nothing of a refused request is left, and nothing of it was our fault. */
afterEach(async () => {
  expect(server.errors).toEqual([]);
  expect([...server.store.rows.values()].filter(({ state }) => state !== 'READY')).toEqual([]);
  expect(server.storage.objects.size).toBe(server.store.rows.size);
  for (const id of server.store.rows.keys()) await server.library.remove('ada', id);
});

describe('a form as the specification describes it', () => {
  test('uploads its file', async () => {
    const { status, data, errors } = await postForm(server, [
      ...operationParts(uploadImage, { file: null }, { 0: ['variables.file'] }),
      png,
    ]);
    expect({ status, errors }).toEqual({ status: 200, errors: [] });
    expect(data.uploadImage).toEqual({ id: expect.any(String), filename: 'a.png', size: 100_000, width: 3 });
    expect(server.storage.objects.get(`${data.uploadImage.id}/original`)).toEqual(png.value);
  });

  test.each([
    ['null', { file: null }, 'variables.file'],
    ['urql’s key', { file: { __key: 'x' } }, 'variables.file'],
    ['an empty object', { file: {} }, 'variables.file'],
    ['a number', { file: 0 }, 'variables.file'],
    ['nothing at all', {}, 'variables.file'],
    ['null, with the number Apollo Sandbox writes before the path', { file: null }, '0.variables.file'],
  ])('may hold %s where the file belongs', async (_, variables, path) => {
    const { data } = await postForm(server, [...operationParts(uploadImage, variables, { 0: [path] }), png]);
    expect(data.uploadImage.size).toBe(100_000);
  });

  test('keeps a filename in UTF-8, and takes a file without one', async () => {
    const upload = (filename: string) =>
      postForm(server, [...operationParts(uploadImage, { file: null }, { 0: ['variables.file'] }), { ...png, filename }]);
    expect((await upload('Köln 🌆.png')).data.uploadImage.filename).toBe('Köln 🌆.png');
    expect((await upload('')).data.uploadImage.filename).toBe('file');
  });

  test('uploads two large files that come in the order of their use', async () => {
    const files = [5, 7].map((size, index) => ({ name: String(index), filename: 'v.mp4', value: mp4Of(size * megabyte) }));
    const { data } = await postForm(server, [...operationParts(uploadTwoVideos, noTwoFiles, twoFiles), ...files]);
    expect(data).toEqual({ a: { size: 5 * megabyte }, b: { size: 7 * megabyte } });
  });

  test('uploads many small files in one write', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const query = `mutation (${names.map((n) => `$${n}: Upload!`)}) { ${names.map((n) => `${n}: uploadImage(file: $${n}) { size }`)} }`;
    const map = Object.fromEntries(names.map((name) => [name, [`variables.${name}`]]));
    const files = names.map((name) => ({ name, filename: `${name}.png`, value: pngOf(100) }));
    const { data } = await postForm(server, [...operationParts(query, {}, map), ...files]);
    expect(data).toEqual(Object.fromEntries(names.map((name) => [name, { size: 100 }])));
  });

  test.each(['Multipart/Form-Data; boundary="a-line-between"', 'multipart/form-data ;boundary=a-line-between'])(
    'is one however its type is spelled: %s',
    async (type) => {
      const form = formOf([...operationParts(uploadImage, { file: null }, { 0: ['variables.file'] }), png]);
      const { data } = await send(server.url, form, { ...formHeaders, 'content-type': type });
      expect(data.uploadImage.size).toBe(100_000);
    },
  );

  test('may hold a query, and no file', async () => {
    const { data } = await postForm(server, operationParts('{ myUsage { count } }', {}, {}));
    expect(data).toEqual({ myUsage: { count: 0 } });
  });
});

describe('files that nobody waits for', () => {
  const large = mp4Of(3 * megabyte);

  test.each([
    ['a part that `map` does not name', { name: 'x' }, {}],
    ['a part that `map` leads nowhere', { name: 'x' }, { x: [] }],
    ['a file of a variable that the operation does not have', { name: 'x' }, { x: ['variables.other'] }],
  ])('%s is drained, before the file or after it', async (_, { name }, map) => {
    const parts = operationParts(uploadImage, { file: null }, { 0: ['variables.file'], ...map });
    const stray = { name, filename: 'stray', value: large };
    expect((await postForm(server, [...parts, stray, png])).data.uploadImage.size).toBe(100_000);
    expect((await postForm(server, [...parts, png, stray])).data.uploadImage.size).toBe(100_000);
  });

  test('a second part of the same name is drained', async () => {
    const files = ['0', '0', '1'].map((name) => ({ name, filename: 'v.mp4', value: large }));
    const { data } = await postForm(server, [...operationParts(uploadTwoVideos, noTwoFiles, twoFiles), ...files]);
    expect(data).toEqual({ a: { size: large.length }, b: { size: large.length } });
  });

  test('fields after the files are ignored', async () => {
    const { data } = await postForm(server, [
      ...operationParts(uploadImage, { file: null }, { 0: ['variables.file'] }),
      png,
      { name: 'operations', value: '[]' },
    ]);
    expect(data.uploadImage.size).toBe(100_000);
  });
});

describe('a form that cannot be served is BAD_USER_INPUT, soon, and stores nothing', () => {
  const file = ['variables.file'];
  const image = operationParts(uploadImage, { file: null }, { 0: file });
  const [operations = png, map = png] = image;
  const polluted = '{"query":"{ myUsage { count } }","variables":{"__proto__":{"x":null}}}';

  test.each([
    ['operations that are no JSON', [{ name: 'operations', value: '{' }, map, png]],
    ['operations that are no object', [{ name: 'operations', value: '"x"' }, map, png]],
    [
      'a batch',
      [{ name: 'operations', value: `[${operations.value}]` }, { name: 'map', value: '{"0":["0.variables.file"]}' }, png],
    ],
    ['operations after map', [map, operations, png]],
    ['a file before map', [operations, png, map]],
    ['a file before everything', [png, operations, map]],
    ['no map', [operations]],
    ['no operations', [map]],
    ['nothing', []],
    ['other fields first', [{ name: 'a', value: '1' }, { name: 'b', value: '2' }, ...image, png]],
    ['a map that is no JSON', [operations, { name: 'map', value: '{"0":' }, png]],
    ['a map that is a list', [operations, { name: 'map', value: '[]' }, png]],
    ['a map with a path that is no list', [operations, { name: 'map', value: '{"0":"variables.file"}' }, png]],
    ['a map with a path that is no text', [operations, { name: 'map', value: '{"0":[1]}' }, png]],
    ['a file in two variables', [...operationParts(uploadTwoVideos, noTwoFiles, { 0: ['variables.a', 'variables.b'] }), png]],
    ['two files in one variable', [...operationParts(uploadImage, { file: null }, { 0: file, 1: file }), png]],
    ['10,000 paths', [...operationParts(uploadImage, { file: null }, { 0: Array(10_000).fill('variables.file') }), png]],
    [
      '21 files',
      [...operationParts(uploadImage, { file: null }, Object.fromEntries(Array.from({ length: 21 }, (_, i) => [i, []]))), png],
    ],
    ['a path of 10,000 steps', [...operationParts(uploadImage, { file: null }, { 0: [`variables${'.a'.repeat(10_000)}`] }), png]],
    ['a path to the query', [...operationParts(uploadImage, { file: null }, { 0: ['query'] }), png]],
    ['a path to nothing', [...operationParts(uploadImage, { file: null }, { 0: ['variables.nowhere.file'] }), png]],
    [
      'a path past the end of a list',
      [...operationParts(uploadImage, { file: [null] }, { 0: ['variables.file.4294967294'] }), png],
    ],
    ['a path to the length of a list', [...operationParts(uploadImage, { file: [null] }, { 0: ['variables.file.length'] }), png]],
    ['an empty step', [...operationParts(uploadImage, { file: null }, { 0: ['variables..file'] }), png]],
    ['a path through a prototype', [...operationParts(uploadImage, { file: null }, { 0: ['variables.__proto__.x'] }), png]],
    [
      'a path through an own __proto__',
      [{ name: 'operations', value: polluted }, { name: 'map', value: '{"0":["variables.__proto__.x"]}' }, png],
    ],
    [
      'a path through a constructor',
      [...operationParts(uploadImage, { file: null }, { 0: ['variables.constructor.prototype.x'] }), png],
    ],
    ['a path into a method', [...operationParts(uploadImage, { file: null }, { 0: ['variables.toString.call'] }), png]],
    ['a file that is missing', image],
    ['a field where a file should be', [...image, { name: '0', value: 'text' }]],
    ['a text where a file should be', operationParts(uploadImage, { file: 'text' }, {})],
    ['an operation that is too long', [{ name: 'operations', value: `{"query":"${' '.repeat(300_000)}"}` }, map, png]],
  ])('%s', async (_, parts) => {
    const { status, data, errors } = await postForm(server, parts);
    expect(data ?? null).toBeNull();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    expect(errors[0]?.message).toMatch(/^[A-Z].*\.$|^Variable "\$file" got invalid value/);
    expect([200, 400]).toContain(status);
    expect(({} as { x?: unknown }).x).toBeUndefined();
    expect(Object.hasOwn(Object.prototype.toString, 'call')).toBe(false);
  });

  test.each([
    ['a batch', [{ name: 'operations', value: `[${operations.value}]` }, map], 'A request holds one operation, not a list.'],
    ['no JSON', [{ name: 'operations', value: '{' }, map], 'The part `operations` is not valid JSON.'],
    [
      'a map of texts',
      [operations, { name: 'map', value: '{"0":"variables.file"}' }],
      'In the part `map`, `0` must be a list of paths.',
    ],
    [
      'a path to the query',
      operationParts(uploadImage, { file: null }, { 0: ['query'] }),
      'In the part `map`, `query` is no path to a variable.',
    ],
  ])('is told by its own fault, not by what comes after it in the same packet: %s', async (_, fields, message) => {
    const small = { ...png, value: pngOf(100) };
    const { errors } = await postForm(server, [...fields, small]);
    expect(errors.map((error) => error.message)).toEqual([message]);
  });

  test('files in another order than the operation uses them, however large', async () => {
    for (const size of [200, 5 * megabyte]) {
      const files = ['1', '0'].map((name) => ({ name, filename: 'v.mp4', value: mp4Of(size) }));
      const { data, errors } = await postForm(server, [...operationParts(uploadTwoVideos, noTwoFiles, twoFiles), ...files]);
      expect({ data, code: errors[0]?.extensions.code, message: errors[0]?.message }).toEqual({
        data: null,
        code: 'BAD_USER_INPUT',
        message: 'The files come in another order than the operation uses them. Send them in the order of use.',
      });
    }
  });

  test('one file that is used twice', async () => {
    const query = 'mutation ($file: Upload!) { a: uploadImage(file: $file) { id } b: uploadImage(file: $file) { id } }';
    const { status, errors } = await postForm(server, [...operationParts(query, { file: null }, { 0: file }), png]);
    expect({ status, message: errors[0]?.message }).toEqual({
      status: 400,
      message: 'The file $file can be used once: declare a variable for each use.',
    });
  });

  test('a body that ends too early, wherever it is cut', async () => {
    const whole = formOf([...image, png]);
    for (const length of [0, 10, 90, whole.length - png.value.length - 60, whole.length - 50_000, whole.length - 10]) {
      const { errors } = await send(server.url, whole.subarray(0, length), formHeaders);
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
  });

  test('a part whose header is broken, before the files and among them', async () => {
    const broken = Buffer.from('\r\n--a-line-between\r\nContent\u0000-Disposition: form-data\r\n\r\nx');
    for (const head of [
      Buffer.alloc(0),
      Buffer.concat([operations, map].flatMap((part) => [headOf(part), Buffer.from(part.value)])),
    ]) {
      const { errors } = await send(server.url, Buffer.concat([head, broken, formOf([])]), formHeaders);
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
  });

  test.each(['multipart/form-data', 'multipart/form-data; boundary=', 'Multipart/Form-Data; boundary=""'])(
    'the type %s',
    async (type) => {
      const { status, errors } = await send(server.url, 'x', { ...formHeaders, 'content-type': type });
      expect({ status, code: errors[0]?.extensions.code }).toEqual({ status: 400, code: 'BAD_USER_INPUT' });
    },
  );
});

describe('a refusal is told while the client still sends', () => {
  const image = [...operationParts(uploadImage, { file: null }, { 0: ['variables.file'] })];
  const beginning = Buffer.concat([...image.flatMap((part) => [headOf(part), Buffer.from(part.value)]), headOf(png)]);

  test('without a token, before a byte of the body', async () => {
    const { authorization: _, ...anonymous } = formHeaders;
    const socket = await beginForm(server, 10_000_000, { ...anonymous, 'apollo-require-preflight': 'true' });
    const answer = await heard(socket);
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    expect(answer).toMatch(/www-authenticate: Bearer/i);
    expect(answer).toMatch('{"errors":[{"message":"Please sign in first.","extensions":{"code":"UNAUTHENTICATED"}}]}');
    socket.destroy();
  });

  test('without a header that proves it no cross-site request, before a byte of the body', async () => {
    const { authorization: _, ...anonymous } = formHeaders;
    const socket = await beginForm(server, 10_000_000, anonymous);
    const answer = await heard(socket);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    for (const header of ['Authorization', 'Apollo-Require-Preflight', 'X-Apollo-Operation-Name'])
      expect(answer).toContain(header);
    socket.destroy();
  });

  test.each([
    ['a file that is no image', mp4Of(200_000), 'UNSUPPORTED_MEDIA_TYPE'],
    ['a file that is too large', pngOf(2 * megabyte), 'FILE_TOO_LARGE'],
  ])('%s, after its first bytes', async (_, bytes, code) => {
    const socket = await beginForm(server, 50 * megabyte);
    socket.write(Buffer.concat([beginning, bytes]));
    expect(await heard(socket)).toContain(`"code":"${code}"`);
    socket.destroy();
  });

  test('also to a client that reads nothing before it has sent all', async () => {
    const bytes = Buffer.concat([beginning, mp4Of(60 * megabyte)]);
    const socket = await beginForm(server, bytes.length);
    await new Promise((resolve) => socket.pause().write(bytes, resolve));
    expect(await heard(socket.resume())).toContain('"code":"UNSUPPORTED_MEDIA_TYPE"');
    socket.destroy();
  });

  test('a query that is not valid', async () => {
    const socket = await beginForm(server, 50 * megabyte);
    const [operations = png, map = png] = operationParts(
      'mutation ($file: Upload!) { uploadNothing(file: $file) }',
      {},
      { 0: ['variables.file'] },
    );
    socket.write(
      Buffer.concat([
        headOf(operations),
        Buffer.from(operations.value),
        headOf(map),
        Buffer.from(map.value),
        headOf(png),
        png.value,
      ]),
    );
    expect(await heard(socket)).toContain('GRAPHQL_VALIDATION_FAILED');
    socket.destroy();
  });

  test.each([
    ['in a field', 200],
    ['in the first bytes of a file', beginning.length + 10],
    ['in the middle of a file', beginning.length + 300_000],
  ])('a client that leaves %s leaves nothing, and harms nobody', async (_, length) => {
    const whole = Buffer.concat([beginning, pngOf(megabyte)]);
    const socket = await beginForm(server, whole.length + 1000);
    socket.write(whole.subarray(0, length));
    await pause(100);
    socket.destroy();
    await pause(100);
    expect((await postForm(server, [...image, png])).data.uploadImage.size).toBe(100_000);
  });
});
