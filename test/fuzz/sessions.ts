import type { RawRequest } from './exchange.ts';
import { mutated } from './mutate.ts';
import type { Random } from './random.ts';

/** PUTs to a session with every kind of Content-Range, body and checksum; and to what is no session. */
export function sessionRequest({ session, sessionBytes }: { session: URL; sessionBytes: number }, random: Random): RawRequest {
  const body = Buffer.alloc(random.pick([0, 0, 1, 1000, 262_144, 262_145, 524_288]), random.below(256));
  const number = (): string | number =>
    random.pick([
      0,
      1,
      body.length,
      body.length - 1,
      262_144,
      sessionBytes,
      sessionBytes - 1,
      -1,
      'NaN',
      '*',
      '9'.repeat(random.below(30)),
      random.text(4),
    ]);
  const range = random.pick([
    `bytes ${number()}-${number()}/${number()}`,
    `bytes 0-${body.length - 1}/${random.pick([sessionBytes, '*'])}`,
    `bytes */${random.pick([sessionBytes, '*', number()])}`,
    random.text(20),
    '',
  ]);
  const headers = [
    ...(range === '' ? [] : [`Content-Range: ${range}`]),
    ...(random.chance(0.2) ? [`X-Goog-Hash: ${random.pick(['crc32c=AAAAAA==', 'crc32c=', 'md5=x', random.text(20)])}`] : []),
    ...(random.chance(0.2) ? [`Content-Type: ${random.text(20)}`] : []),
    `Content-Length: ${body.length}`,
  ].map((line) => line.replace(/[^\x20-\x7e]/g, 'x'));
  // A whole link may end the session only by what it says.
  const target = random.chance(0.85) ? session.pathname + session.search : damaged(session, random);
  const method = target === session.pathname + session.search ? 'PUT' : random.pick(['PUT', 'PUT', 'DELETE', 'GET']);
  const isFramed = /^[\x21-\x7e]+$/.test(target);
  return {
    head: `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers.join('\r\n')}\r\n\r\n`,
    body,
    isFramed,
    isSession: true,
    ...(random.chance(0.1) && { cutAt: random.below(body.length + 1) }),
  };
}

function damaged({ pathname, search }: URL, random: Random): string {
  const text = mutated(Buffer.from(pathname.slice('/uploads/'.length) + search), random).toString('latin1');
  return `/uploads/${text.replace(/[^\x21-\x7e]/g, 'x')}`;
}
