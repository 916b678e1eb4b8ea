import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** A service account's key file, as the Google libraries take it. */
export type ServiceAccount = {
  type: 'service_account';
  project_id: string;
  private_key_id: string;
  private_key: string;
  client_email: string;
  client_id: string;
  token_uri: string;
  universe_domain: string;
};

/**
 * A key file with a fresh RSA key and a `token_uri` at the emulator. The emulator trusts only the account it made itself,
 * `emulator.serviceAccount`; one made here is a stranger with the same name, for tests of refusals.
 */
export function testServiceAccount(emulatorUrl: string): ServiceAccount {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    type: 'service_account',
    project_id: 'test-project',
    private_key_id: randomBytes(20).toString('hex'),
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    client_email: 'mediakeep@test-project.iam.gserviceaccount.com',
    client_id: '100000000000000000001',
    token_uri: `${emulatorUrl}/token`,
    universe_domain: 'googleapis.com',
  };
}
