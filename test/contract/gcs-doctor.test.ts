import { afterEach, describe, expect, test } from '@jest/globals';
import { type Diagnosis, diagnoseBucket } from '../../src/storage/gcs-doctor.ts';
import { type GcsEmulator, type GcsEmulatorOptions, startGcsEmulator } from '../support/gcs-emulator/server.ts';
import { testServiceAccount } from '../support/gcs-emulator/service-account.ts';
import { bucket, shortPatience, signedIn } from './gcs-emulated.ts';

const healthy = {
  name: bucket,
  uniformBucketLevelAccess: true,
  publicAccessPrevention: 'enforced' as const,
  cors: [{ origin: ['https://app.example'], method: ['GET', 'PUT'], responseHeader: ['Content-Type'] }],
};
const account = 'mediakeep@test-project.iam.gserviceaccount.com';

let emulator: GcsEmulator;

afterEach(() => emulator.close());

describe('the doctor', () => {
  test('finds a healthy bucket healthy', async () => {
    const diagnoses = await diagnose({ buckets: [healthy] });
    expect(diagnoses).toEqual([
      { name: 'credentials', ok: true, detail: `signs in as ${account}` },
      { name: 'bucket', ok: true, detail: 'gs://media answers' },
      { name: 'permissions', ok: true, detail: expect.stringContaining('storage.objects.create') },
      { name: 'uniform access', ok: true, detail: 'on: only IAM decides' },
      { name: 'public access prevention', ok: true, detail: 'enforced' },
      { name: 'CORS', ok: true, detail: 'pages of https://app.example may PUT' },
      { name: 'signing', ok: true, detail: 'the bucket accepts a link that was signed here' },
      { name: 'clock', ok: true, detail: expect.stringMatching(/^\d+ s /) },
    ]);
    expect(emulator.objects(bucket).size).toBe(0);
  });

  test('names each setting that is wrong, and the command that mends it', async () => {
    const permissions = ['storage.objects.create', 'storage.objects.get'];
    const diagnoses = await diagnose({ buckets: [{ name: bucket, permissions }] });
    expect(remediesOf(diagnoses)).toEqual({
      permissions: `gcloud storage buckets add-iam-policy-binding gs://media --member=serviceAccount:${account} --role=roles/storage.objectUser`,
      'uniform access': 'gcloud storage buckets update gs://media --uniform-bucket-level-access',
      'public access prevention': 'gcloud storage buckets update gs://media --public-access-prevention',
      CORS: expect.stringContaining('gcloud storage buckets update gs://media --cors-file=cors.json'),
    });
    expect(diagnoses.find(({ name }) => name === 'permissions')?.detail).toBe(
      'missing: storage.objects.delete, storage.objects.list',
    );
  });

  test('says how to create a bucket that is not there', async () => {
    const diagnoses = await diagnose({ buckets: [{ name: 'another' }] });
    expect(remediesOf(diagnoses).bucket).toContain('gcloud storage buckets create gs://media');
  });

  test('sees that the bucket does not accept the credentials', async () => {
    emulator = await startGcsEmulator({ buckets: [healthy] });
    const stranger = { ...emulator, serviceAccount: testServiceAccount(emulator.url) };
    const diagnoses = await diagnoseBucket({ ...options(), auth: signedIn(stranger) });
    expect(failed(diagnoses)).toEqual(['bucket', 'permissions', 'settings', 'signing']);
    expect(remediesOf(diagnoses).signing).toContain('DELIVERY=proxy');
  });

  test('sees that a setting cannot be seen', async () => {
    emulator = await startGcsEmulator({ buckets: [healthy] });
    emulator.fault({ match: 'bucket', action: { status: 403 } });
    expect(remediesOf(await diagnoseBucket(options()))).toEqual({
      settings: expect.stringContaining('roles/storage.bucketViewer'),
    });
  });

  test('sees a clock that is wrong', async () => {
    emulator = await startGcsEmulator({ buckets: [healthy] });
    const date = new Date(Date.now() + 10 * 60_000).toUTCString();
    emulator.fault({
      match: ({ kind, query }) => kind === 'bucket' && query.fields === 'kind',
      action: { status: 200, headers: { date } },
    });
    const diagnoses = await diagnoseBucket(options());
    expect(remediesOf(diagnoses)).toEqual({ clock: expect.stringContaining('NTP') });
    expect(diagnoses.at(-1)?.detail).toMatch(/^(599|600|601) s behind the bucket's$/);
  });

  test('asks for no signature where bytes are proxied', async () => {
    emulator = await startGcsEmulator({ buckets: [healthy] });
    const diagnoses = await diagnoseBucket({ ...options(), delivery: 'proxy' });
    expect(failed(diagnoses)).toEqual([]);
    expect(diagnoses.find(({ name }) => name === 'signing')?.detail).toBe('not needed: DELIVERY=proxy');
  });

  test.each(['hang', 'refuse'] as const)('comes to an end when the bucket is down (%s)', async (how) => {
    emulator = await startGcsEmulator({ buckets: [healthy] });
    await emulator.down(how);
    const start = performance.now();
    const diagnoses = await diagnoseBucket(options());
    expect(performance.now() - start).toBeLessThan(6 * shortPatience.callMs + 1_000);
    expect(failed(diagnoses)).toEqual(['bucket', 'permissions', 'settings', 'signing', 'clock']);
    expect(diagnoses.filter(({ ok }) => !ok).every(({ remedy }) => remedy !== undefined)).toBe(true);
  });
});

async function diagnose(settings: GcsEmulatorOptions): Promise<Diagnosis[]> {
  emulator = await startGcsEmulator(settings);
  return await diagnoseBucket(options());
}

function options(): Parameters<typeof diagnoseBucket>[0] {
  return {
    bucket,
    projectId: 'test-project',
    apiEndpoint: emulator.url,
    delivery: 'redirect',
    auth: signedIn(emulator),
    patience: shortPatience,
  };
}

function remediesOf(diagnoses: readonly Diagnosis[]): Record<string, string | undefined> {
  return Object.fromEntries(diagnoses.filter(({ ok }) => !ok).map(({ name, remedy }) => [name, remedy]));
}

function failed(diagnoses: readonly Diagnosis[]): string[] {
  return diagnoses.filter(({ ok }) => !ok).map(({ name }) => name);
}
