import type { SampleFile } from '../support/media.ts';
import type { RawRequest } from './exchange.ts';
import { mutated } from './mutate.ts';
import type { Random } from './random.ts';
import { sessionRequest } from './sessions.ts';

/** What the cases are made of. */
export interface Material {
  readonly token: string;
  /** Signed links and ids of an asset that is there. */
  readonly link: URL;
  readonly id: string;
  readonly cursor: string;
  /** The session of a direct upload that is never whole, and its size in bytes. */
  readonly session: URL;
  readonly sessionBytes: number;
  readonly images: readonly SampleFile[];
  readonly videos: readonly SampleFile[];
}

/** A kind of case, by its name in the report. */
export type MakeRequest = (material: Material, random: Random) => RawRequest & { readonly sent?: Buffer };

/** Every kind of case, with its share of all. */
export const cases: readonly { readonly name: string; readonly share: number; readonly make: MakeRequest }[] = [
  { name: 'damaged image', share: 6, make: (material, random) => damagedFile(material, random, 'image') },
  { name: 'damaged video', share: 4, make: (material, random) => damagedFile(material, random, 'video') },
  { name: 'damaged form', share: 5, make: damagedForm },
  { name: 'made-up form', share: 5, make: madeUpForm },
  { name: 'broken off', share: 2, make: brokenOff },
  { name: 'damaged head', share: 2, make: damagedHead },
  { name: 'links', share: 2, make: linkRequest },
  { name: 'queries', share: 4, make: queryRequest },
  { name: 'sessions', share: 4, make: sessionRequest },
  { name: 'announcements', share: 1, make: announcement },
];

type Door = 'rest' | 'graphql';
type Kind = 'image' | 'video';

interface FormRequest {
  readonly path: string;
  readonly boundary: string;
  readonly body: Buffer;
}

function damagedFile(material: Material, random: Random, kind: Kind): RawRequest & { sent: Buffer } {
  const file = random.pick(kind === 'image' ? material.images : material.videos);
  const sent = random.chance(0.05) ? file.bytes : mutated(file.bytes, random);
  const sentAs = random.chance(0.95) ? kind : random.pick(['image', 'video'] as const);
  const form = wholeForm(random.pick(['rest', 'graphql']), sentAs, sent, file.name);
  return { ...post(material, form), isFramed: true, sent };
}

function damagedForm(material: Material, random: Random): RawRequest {
  const form = someForm(material, random);
  return { ...post(material, { ...form, body: mutated(form.body, random) }), isFramed: true };
}

function brokenOff(material: Material, random: Random): RawRequest {
  const form = someForm(material, random);
  return { ...post(material, form), isFramed: true, cutAt: random.below(form.body.length) };
}

function damagedHead(material: Material, random: Random): RawRequest {
  const { head, body } = post(material, someForm(material, random));
  const damaged = mutated(Buffer.from(head), random).toString('latin1');
  return { head: `${damaged}\r\n\r\n`, body, isFramed: false };
}

/** A form whose parts, names, headers and JSON are put together anyhow. */
function madeUpForm(material: Material, random: Random): RawRequest {
  const door = random.pick<Door>(['rest', 'graphql']);
  const boundary = random.chance(0.8) ? 'fuzz' : random.text(70).replace(/[^\x20-\x7e]/g, 'x');
  const parts = Array.from({ length: random.below(6) }, () => madeUpPart(door, boundary, material, random));
  const ending = random.pick([`--${boundary}--\r\n`, `--${boundary}--`, `--${boundary}`, '', '\r\n', '--']);
  const body = Buffer.concat([...parts, Buffer.from(ending)]);
  const path = door === 'graphql' ? '/graphql' : `/api/v1/media/upload/${random.pick(['image', 'video'])}`;
  const type = random.pick([
    `multipart/form-data; boundary=${boundary}`,
    `multipart/form-data; boundary="${boundary}"`,
    `Multipart/Form-Data; charset=x; boundary=${boundary}; boundary=other`,
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/mixed; boundary=fuzz',
    'application/x-www-form-urlencoded',
  ]);
  return { head: headOf(material, path, type, body.length, random), body, isFramed: true };
}

function madeUpPart(door: Door, boundary: string, material: Material, random: Random): Buffer {
  const names =
    door === 'rest' ? ['file', 'title', 'altText', 'tags', '__proto__'] : ['operations', 'map', '0', '1', '__proto__'];
  const name = random.chance(0.9) ? random.pick(names) : random.text(20);
  const filename = random.chance(0.5) ? `; filename="${random.pick(['a.jpg', '', '../../etc/passwd', random.text(40)])}"` : '';
  const extra = random.pick(['', '', '', `; filename*=UTF-8''%ff%00`, `; ${random.text(30)}`]);
  const lines = [
    `Content-Disposition: ${random.pick(['form-data', 'form-data', 'form-data', 'attachment', ''])}; name="${name}"${filename}${extra}`,
    random.pick([
      '',
      '',
      'Content-Type: image/jpeg',
      'Content-Type: text/plain; charset=nope',
      `X: ${'y'.repeat(random.below(20_000))}`,
    ]),
    random.pick(['', '', 'Content-Transfer-Encoding: base64', 'Content-Transfer-Encoding: quoted-printable']),
  ].filter((line) => line !== '');
  const line = random.chance(0.95) ? '\r\n' : '\n';
  const head = `--${boundary}${line}${lines.join(line)}${line}${line}`;
  return Buffer.concat([Buffer.from(head), madeUpContent(name, material, random), Buffer.from(line)]);
}

function madeUpContent(name: string, { images, videos }: Material, random: Random): Buffer {
  if (name === 'operations') return Buffer.from(random.pick([operations('image'), operations('video'), madeUpJson(random, 4)]));
  if (name === 'map') {
    const path = random.pick([
      'variables.file',
      'variables.file.x',
      'variables',
      'variables.__proto__.x',
      'variables.0',
      random.text(20),
    ]);
    const map = random.pick([{ 0: [path] }, { 0: [path, path] }, { 0: path }, { 0: [path], 1: [path] }, [path]]);
    return Buffer.from(random.chance(0.8) ? JSON.stringify(map) : madeUpJson(random, 4));
  }
  if (random.chance(0.4)) return random.pick([...images, ...videos]).bytes;
  return random.pick([Buffer.from(random.text(500)), random.bytes(random.below(500)), Buffer.alloc(random.below(300_000), 0x20)]);
}

function linkRequest({ link, token }: Material, random: Random): RawRequest {
  const target = link.pathname + link.search;
  const changed = random.chance(0.3) ? target : mutated(Buffer.from(target), random).toString('latin1');
  const path = encodeTarget(changed);
  const headers = random.pick([
    '',
    `Range: bytes=${random.pick(['0-0', '-1', '5-2', '0-99999999999999999999', '1-2,4-5', '-', random.text(12)])}\r\n`,
    `If-None-Match: ${random.text(40)}\r\n`,
    `If-Range: ${random.text(30)}\r\nRange: bytes=0-9\r\n`,
    `If-Modified-Since: ${random.text(30)}\r\n`,
    `Authorization: Bearer ${mutated(Buffer.from(token), random).toString('latin1')}\r\n`,
  ]);
  const method = random.pick(['GET', 'GET', 'HEAD', 'OPTIONS', 'DELETE']);
  const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${oneLineEach(headers)}\r\n`;
  return { head, body: Buffer.alloc(0), isFramed: false };
}

/** Lists, single assets, changes and GraphQL with arguments of every kind. */
function queryRequest(material: Material, random: Random): RawRequest {
  const make = random.pick([restList, restOne, graphqlQuery, graphqlQuery]);
  return make(material, random);
}

function restList(material: Material, random: Random): RawRequest {
  const cursor = random.chance(0.5) ? mutated(Buffer.from(material.cursor), random).toString('latin1') : random.text(40);
  const parameters = [
    `first=${random.pick(['1', '100', '101', '-1', '1e3', '9'.repeat(30), random.text(5)])}`,
    `after=${encodeURIComponent(cursor.toWellFormed())}`,
    `search=${encodeURIComponent(random.text(30).toWellFormed())}`,
    `tag=${random.pick(['%00', '%ed%a0%80', '%', '%zz', 'a', encodeURIComponent(random.text(9).toWellFormed())])}`,
    `kind=${random.pick(['IMAGE', 'VIDEO', 'image', '__proto__'])}`,
    `status=${random.pick(['READY', 'DELETING', 'constructor'])}`,
  ].filter(() => random.chance(0.4));
  return bare(material, 'GET', `/api/v1/media/?${parameters.join('&')}`, '');
}

function restOne(material: Material, random: Random): RawRequest {
  const id = random.pick([material.id, encodeTarget(mutated(Buffer.from(material.id), random).toString('latin1')), '%00', '%']);
  const method = random.pick(['GET', 'PATCH', 'GET', 'PATCH', 'PUT']);
  const body = method === 'PATCH' ? madeUpJson(random, 3) : '';
  return bare(material, method, `/api/v1/media/${id}${random.pick(['', '', '/content', '/x'])}`, body);
}

function graphqlQuery(material: Material, random: Random): RawRequest {
  const query = random.pick([
    'query ($a: String, $n: Int, $s: String, $t: String) { myMedia(first: $n, after: $a, search: $s, tag: $t) { totalCount edges { node { id url } } } }',
    'query ($id: ID!) { media(id: $id) { id title url(expiresIn: 5) } }',
    'mutation ($id: ID!, $input: UpdateMediaInput!) { updateMedia(id: $id, input: $input) { id title tags } }',
    'mutation ($id: ID!) { deleteMedia(id: $id) { purged } }',
    `{ ${'myMedia { edges { node { id } } } '.repeat(random.below(60))} }`,
    `{ ${'a { '.repeat(random.below(300))} }`,
    random.text(200),
  ]);
  const value = (): unknown =>
    random.pick([random.text(20), random.below(1e9) - 5e8, null, [], {}, true, '\0', 1e300, material.cursor]);
  const variables = {
    a: value(),
    n: value(),
    s: value(),
    t: value(),
    id: random.pick([value(), '0'.repeat(36)]),
    input: random.pick([{ title: value() }, { tags: [value()] }, { altText: value(), [random.text(5)]: 1 }, value()]),
  };
  const text = JSON.stringify({ query, variables });
  return bare(material, 'POST', '/graphql', random.chance(0.9) ? text : mutated(Buffer.from(text), random).toString());
}

/** What no upload can begin with: whatever else is right, it is too large. */
function announcement(material: Material, random: Random): RawRequest {
  const fields = {
    kind: 'IMAGE',
    filename: random.text(20),
    mimeType: 'image/png',
    size: 1e12,
    title: random.text(10),
    tags: [random.text(5)],
  };
  const [name] = random.pick(Object.entries(fields));
  const value = random.pick([random.text(20), null, [], {}, true, '\0', -1, 0, 1.5, 1e300, '100']);
  const isSizeLess = name === 'size' && value === 1;
  const text = JSON.stringify({ ...fields, ...(random.chance(0.8) && !isSizeLess && { [name]: value }) });
  return bare(material, 'POST', '/api/v1/media/uploads', random.chance(0.9) ? text : madeUpJson(random, 3));
}

function bare({ token }: Material, method: string, path: string, body: string): RawRequest {
  const bytes = Buffer.from(body);
  const type = bytes.length === 0 ? '' : `Content-Type: application/json\r\nContent-Length: ${bytes.length}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n${type}\r\n`;
  return { head, body: bytes, isFramed: /^[\x21-\x7e]+$/.test(path) };
}

function someForm({ images, videos }: Material, random: Random): FormRequest {
  const kind = random.pick<Kind>(['image', 'video']);
  const file = random.pick(kind === 'image' ? images : videos);
  return wholeForm(random.pick(['rest', 'graphql']), kind, file.bytes, file.name);
}

function wholeForm(door: Door, kind: Kind, bytes: Buffer, filename: string): FormRequest {
  const boundary = 'fuzz';
  const field = (name: string, value: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const before =
    door === 'rest'
      ? field('title', 'Fuzz') + field('tags', '["a","b"]')
      : field('operations', operations(kind)) + field('map', '{"0":["variables.file"]}');
  const name = door === 'rest' ? 'file' : '0';
  const start = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: a/b\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(before + start), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { path: door === 'graphql' ? '/graphql' : `/api/v1/media/upload/${kind}`, boundary, body };
}

function operations(kind: Kind): string {
  const query = `mutation ($file: Upload!) { upload${kind === 'image' ? 'Image' : 'Video'}(file: $file) { id size sha256 } }`;
  return JSON.stringify({ query, variables: { file: null } });
}

function post(material: Material, { path, boundary, body }: FormRequest): { head: string; body: Buffer } {
  return { head: headOf(material, path, `multipart/form-data; boundary=${boundary}`, body.length), body };
}

function headOf({ token }: Material, path: string, type: string, length: number, random?: Random): string {
  const key = random?.chance(0.2) ? `Idempotency-Key: ${random.text(20)}\r\n` : '';
  return (
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n` +
    `${oneLineEach(key)}Content-Type: ${oneLine(type)}\r\nContent-Length: ${length}\r\n\r\n`
  );
}

/** JSON of any shape, now and then not quite. */
function madeUpJson(random: Random, depth: number): string {
  const text = JSON.stringify(madeUpValue(random, depth));
  return random.chance(0.8) ? text : text.slice(0, random.below(text.length + 1));
}

function madeUpValue(random: Random, depth: number): unknown {
  const shallow = [null, true, 0, -1, 1e308, random.text(30), random.text(400)];
  if (depth === 0 || random.chance(0.3)) return random.pick([...shallow, 'x']);
  const name = () => random.pick(['title', 'altText', 'tags', 'query', 'variables', 'file', '__proto__', random.text(8)]);
  if (random.chance(0.4)) return Array.from({ length: random.below(4) }, () => madeUpValue(random, depth - 1));
  return Object.fromEntries(Array.from({ length: random.below(5) }, () => [name(), madeUpValue(random, depth - 1)]));
}

/** A value that cannot end its header's line, so that the framing stays right. */
function oneLine(text: string): string {
  return text.replace(/[^\x20-\xff]/g, '_');
}

function oneLineEach(headers: string): string {
  return headers === ''
    ? ''
    : headers
        .split('\r\n')
        .filter((line) => line !== '')
        .map((line) => `${oneLine(line)}\r\n`)
        .join('');
}

/** What an HTTP parser takes as one word. */
function encodeTarget(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0').slice(-2)}`);
}
