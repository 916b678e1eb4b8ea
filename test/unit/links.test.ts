import { describe, expect, test } from '@jest/globals';
import { LinkSigner, originalLinkLife } from '../../src/media/links.ts';

const path = '018f0000-0000-7000-8000-000000000000/original';

const signerAt = (time: { now: Date }, secret = 'a secret') =>
  new LinkSigner({ secret, baseUrl: () => 'https://media.example', clock: () => time.now });

const partsOf = (link: string) => {
  const url = new URL(link);
  return {
    path: url.pathname.replace('/media/', ''),
    expires: url.searchParams.get('expires') ?? undefined,
    signature: url.searchParams.get('signature') ?? undefined,
  };
};

describe('a signed link', () => {
  const time = { now: new Date('2026-01-01T00:00:10Z') };

  test('expires at the first multiple of a quarter that is at least expiresIn away', () => {
    const { expires } = partsOf(signerAt(time).sign(path, originalLinkLife(3600)));
    expect(new Date(Number(expires) * 1000).toISOString()).toBe('2026-01-01T01:15:00.000Z');
  });

  test('is the same for all who ask within one window, and another one in the next', () => {
    const at = (iso: string) => signerAt({ now: new Date(iso) }).sign(path, originalLinkLife(3600));
    expect(at('2026-01-01T00:14:59Z')).toBe(at('2026-01-01T00:00:01Z'));
    expect(at('2026-01-01T00:15:01Z')).not.toBe(at('2026-01-01T00:14:59Z'));
  });

  test('opens until it expires', () => {
    const clock = { now: time.now };
    const signer = signerAt(clock);
    const link = partsOf(signer.sign(path, originalLinkLife(1)));
    expect(signer.verify(link.path, link.expires, link.signature)?.path).toBe(path);
    clock.now = new Date(time.now.getTime() + 3000);
    expect(signer.verify(link.path, link.expires, link.signature)).toBeUndefined();
  });

  test('is dead with another path, expiry, signature or secret', () => {
    const signer = signerAt(time);
    const link = partsOf(signer.sign(path, originalLinkLife(60)));
    expect(signer.verify(path.replace('018f', '018e'), link.expires, link.signature)).toBeUndefined();
    expect(signer.verify(path, String(Number(link.expires) + 1), link.signature)).toBeUndefined();
    expect(signer.verify(path, `0${link.expires}`, link.signature)).toBeUndefined();
    expect(signer.verify(path, link.expires, `${link.signature}A`)).toBeUndefined();
    expect(signer.verify(path, link.expires, undefined)).toBeUndefined();
    expect(signerAt(time, 'another secret').verify(path, link.expires, link.signature)).toBeUndefined();
  });

  test.each([0, -1, 604_801, 1.5, Number.NaN])('an expiresIn of %p is BAD_USER_INPUT', (expiresIn) => {
    expect(() => originalLinkLife(expiresIn)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  test.each([1, 604_800])('an expiresIn of %p fits', (expiresIn) => {
    expect(originalLinkLife(expiresIn).ttlSeconds).toBe(expiresIn);
  });
});
