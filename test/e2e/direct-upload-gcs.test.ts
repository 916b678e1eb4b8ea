import { describe, expect, test } from '@jest/globals';
import { startOnBucket } from '../support/bucket-server.ts';
import { overGraphql, overRest } from '../support/direct-door.ts';
import { tokenOf } from '../support/server.ts';
import { putBytes } from '../support/session-put.ts';
import { describeDirectUpload } from './direct-upload.ts';

describeDirectUpload('a bucket', (environment) => startOnBucket('redirect', environment));

describe('a session on a bucket', () => {
  test.each([
    ['GraphQL', overGraphql],
    ['REST', overRest],
  ] as const)(
    'begun over %s is open to the page that began it, if it may call the API or is ours, and to no other',
    async (_name, open) => {
      const server = await startOnBucket('redirect', { CORS_ORIGINS: 'https://app.example' });
      try {
        const door = open(server, await tokenOf('ada'));
        const announcement = { kind: 'IMAGE' as const, filename: 'a.png', mimeType: 'image/png', size: 262_144 };
        const allowed = async (beganAt: string | undefined, sentFrom: string): Promise<string | null> => {
          const { url } = await door.create(announcement, beganAt);
          const headers = { Origin: sentFrom };
          const { status, headers: answered } = await putBytes(url, Buffer.alloc(0), { range: 'bytes */262144', headers });
          expect(status).toBe(308);
          return answered.get('access-control-allow-origin');
        };
        expect(await allowed('https://app.example', 'https://app.example')).toBe('https://app.example');
        expect(await allowed(server.url, server.url)).toBe(server.url);
        expect(await allowed('https://evil.example', 'https://evil.example')).toBeNull();
        expect(await allowed('https://app.example', 'https://evil.example')).toBeNull();
        expect(await allowed(undefined, 'https://app.example')).toBeNull();
      } finally {
        await server.close();
      }
    },
  );
});
