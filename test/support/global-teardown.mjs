import { rm } from 'node:fs/promises';

/** Stops what global-setup.mjs started, and removes its data. */
export default async function stopDatabase() {
  const { postgres, dataDir } = globalThis.mediakeepTestDatabase;
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
