import fc from 'fast-check';
import { type ErrorCode, MediakeepError } from '../../src/errors.ts';
import { checkedMap, checkedOperations } from '../../src/graphql/upload-map.ts';
import { contentDisposition } from '../../src/http/links.ts';
import { readRange } from '../../src/http/ranges.ts';
import { createSignIn, issueDevelopmentToken } from '../../src/http/sign-in.ts';
import { decodeCursor, encodeCursor } from '../../src/media/cursor.ts';
import { uploadKey } from '../../src/media/idempotency.ts';
import { LinkSigner } from '../../src/media/links.ts';
import { cleanFilename } from '../../src/media/text.ts';

/** Tries each parser that a stranger reaches with anything at all, `seconds` in all. Rejects with fast-check's counterexample. Returns how often it tried. */
export async function fuzzParsers({ seed, seconds }: { seed: number; seconds: number }): Promise<number> {
  let tries = 0;
  const properties = await parserProperties(() => {
    tries += 1;
  });
  const interruptAfterTimeLimit = (seconds * 1000) / properties.length;
  for (const property of properties) await fc.assert(property, { seed, numRuns: 1_000_000_000, interruptAfterTimeLimit });
  return tries;
}

const id = '018f0000-0000-7000-8000-000000000000';
const secret = new TextEncoder().encode('the secret of the fuzzer, long enough for HS256');

async function parserProperties(count: () => void): Promise<fc.IRawProperty<unknown>[]> {
  const cursor = encodeCursor({ createdAt: new Date(1), id });
  const signer = new LinkSigner({ secret: 'links', baseUrl: () => 'http://x', clock: () => new Date() });
  const link = new URL(signer.sign(`${id}/original`, { ttlSeconds: 100, windowSeconds: 1 }));
  const [expires, signature] = [link.searchParams.get('expires') ?? '', link.searchParams.get('signature') ?? ''];
  const token = await issueDevelopmentToken(secret, 'fuzz', 3600);
  const signIn = createSignIn({ secret });
  return [
    fc.property(near(cursor), (text) => {
      count();
      return onlyRefuses('BAD_USER_INPUT', () => encodeCursor(decodeCursor(text)) === text);
    }),
    fc.property(near(`${id}/original`), near(expires), near(signature), (path, when, how) => {
      count();
      const isOurs = path === `${id}/original` && when === expires && how === signature;
      return (signer.verify(path, when, how) === undefined) === !isOurs;
    }),
    fc.asyncProperty(near(`Bearer ${token}`), async (header) => {
      count();
      const user = await signIn(header).catch((error: unknown) => {
        if (error instanceof MediakeepError && error.code === 'UNAUTHENTICATED') return undefined;
        throw error;
      });
      // The scheme's case and spaces around the token do not count; the last character of a signature has spare bits.
      return user === undefined || header.includes(token.slice(0, -1));
    }),
    fc.property(near('bytes=0-499'), fc.nat(), (header, sizeBytes) => {
      count();
      const range = readRange(header, sizeBytes);
      return typeof range !== 'object' || (range.start >= 0 && range.start <= range.end && range.end < sizeBytes);
    }),
    fc.property(
      fc.oneof(near('{"0":["variables.file"]}'), fc.json()),
      fc.oneof(near('{"variables":{"file":null}}'), fc.json()),
      (map, text) => {
        count();
        return onlyRefuses('BAD_USER_INPUT', () =>
          [...checkedMap(map, checkedOperations(text), 20).values()].flat().every((path) => path.startsWith('variables.')),
        );
      },
    ),
    fc.property(near('photo.jpg'), (raw) => {
      count();
      const name = cleanFilename(raw);
      return (
        Buffer.byteLength(name) <= 255 &&
        !/[/\\\p{Cc}]/u.test(name) &&
        name.isWellFormed() &&
        /^[\x20-\x7e]+$/.test(contentDisposition(name))
      );
    }),
    fc.property(near('key-1'), (header) => {
      count();
      return onlyRefuses('BAD_USER_INPUT', () => uploadKey(header) === header && header.length <= 255);
    }),
  ] as fc.IRawProperty<unknown>[];
}

/** Any text, or `text` with one piece replaced by another. */
function near(text: string): fc.Arbitrary<string> {
  const piece = fc.tuple(fc.nat(text.length), fc.nat(8), fc.string({ unit: 'binary', maxLength: 8 }));
  const changed = piece.map(([start, length, other]) => text.slice(0, start) + other + text.slice(start + length));
  return fc.oneof(
    { weight: 3, arbitrary: changed },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.constant(text) },
  );
}

function onlyRefuses(code: ErrorCode, work: () => boolean): boolean {
  try {
    return work();
  } catch (error) {
    if (error instanceof MediakeepError && error.code === code) return true;
    throw error;
  }
}
