import { setTimeout as pause } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { GoogleAuth, JWT } from 'google-auth-library';
import { GcsStorage, type GcsStorageOptions } from '../../src/storage/gcs.ts';
import type { GcsEmulator } from '../support/gcs-emulator/server.ts';

/** The name of the bucket that every test of the adapter uses. */
export const bucket = 'media';

/** Short enough for a test to see its end, long enough for a busy machine. */
export const shortPatience = { firstPauseMs: 2, longestPauseMs: 20, deadlineMs: 400, callMs: 400 };

/** For tests that must not see the end of it. */
export const longPatience = { firstPauseMs: 2, longestPauseMs: 20, deadlineMs: 20_000, callMs: 10_000 };

/** The adapter on an emulator's bucket `media`, signed in as its account, in a hurry. */
export async function openOn(emulator: GcsEmulator, options: Partial<GcsStorageOptions> = {}): Promise<GcsStorage> {
  return await GcsStorage.open({
    bucket,
    projectId: 'test-project',
    apiEndpoint: emulator.url,
    delivery: 'redirect',
    auth: signedIn(emulator),
    patience: shortPatience,
    idleMs: 300,
    ...options,
  });
}

/** The emulator's account with its key, which signs its own tokens. */
export function signedIn(emulator: GcsEmulator): GoogleAuth {
  const { client_email: email, private_key: key } = emulator.serviceAccount;
  const authClient = new JWT({ email, key, scopes: ['https://www.googleapis.com/auth/cloud-platform'] });
  authClient.useJWTAccessWithScope = true;
  const auth = new GoogleAuth({ authClient });
  auth.jsonContent = emulator.serviceAccount;
  return auth;
}

/** What is about besides whole objects and idle connections. */
export function leftoversOf(emulator: GcsEmulator): string[] {
  return [
    ...emulator.liveSessions().map(({ name, heldBytes }) => `a session for ${name} with ${heldBytes} bytes`),
    ...Array.from({ length: emulator.openRequests() }, () => 'an open request'),
  ];
}

/** Waits, 3 s at most, until nothing is left over; closes the adapter, and waits the same until its connections are gone. */
export async function expectAtRest(emulator: GcsEmulator, storage: GcsStorage): Promise<void> {
  try {
    await eventually(() => expect(leftoversOf(emulator)).toEqual([]));
  } finally {
    await storage.close();
  }
  await eventually(() => expect(emulator.openSockets()).toBe(0));
}

async function eventually(expectation: () => void): Promise<void> {
  for (let round = 0; round < 150; round += 1) {
    try {
      return expectation();
    } catch {
      await pause(20);
    }
  }
  expectation();
}
