import { expect, test } from '@jest/globals';
import { offerToken } from '../../src/token-offer.ts';

const offer = offerToken('a.b.c', () => 'http://media.test:4000');

test.each([
  '127.0.0.1:4000',
  'localhost',
  'LOCALHOST:80',
  'app.localhost:4000',
  '[::1]:4000',
  '127.8.9.10',
  'media.test',
  'media.test:1',
])('the development token is offered to a page that was asked for as %s', (host) => expect(offer(host)).toBe('a.b.c'));

test.each([
  'evil.example',
  'evil.example:4000',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '192.168.0.7:4000',
  '',
  'a b',
  '::1',
  undefined,
])('a name that only leads here is told none: %s', (host) => expect(offer(host)).toBeUndefined());

test('where there is none, none is offered', () => {
  expect(offerToken(undefined, () => 'http://media.test')('localhost')).toBeUndefined();
});
