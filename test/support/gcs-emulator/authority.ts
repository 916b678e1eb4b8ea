import { createPublicKey, createSign, type KeyObject, randomBytes } from 'node:crypto';
import { jwtVerify } from 'jose';
import { type Exchange, headerOf, readBody } from './exchange.ts';
import { HttpFailure, invalid, jsonReply, type Reply } from './reply.ts';
import type { ServiceAccount } from './service-account.ts';

/** google-auth-library names this audience, and asks this address, whatever the key file's `token_uri` says. */
const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Who may call: one service account, its tokens, and one token fixed by the test. */
export class Authority {
  readonly account: ServiceAccount;
  readonly publicKey: KeyObject;
  readonly #now: () => number;
  readonly #tokens: Set<string>;

  constructor(account: ServiceAccount, fixedToken: string, now: () => number) {
    this.account = account;
    this.publicKey = createPublicKey(account.private_key);
    this.#tokens = new Set([fixedToken]);
    this.#now = now;
  }

  /** 401 unless the request carries a bearer token: a known one, or a JWT the account signed for itself. */
  async requireToken(exchange: Exchange): Promise<void> {
    const [, token] = /^Bearer (\S+)$/.exec(headerOf(exchange, 'authorization') ?? '') ?? [];
    if (token === undefined) throw unauthorized('required', 'Anonymous caller does not have access to the resource.');
    if (this.#tokens.has(token) || (await this.#signedByAccount(token))) return;
    throw unauthorized('authError', 'Invalid Credentials');
  }

  /** `POST /token`: a signed JWT for an access token. Refusals are in OAuth's own shape, not Google's. */
  async issueToken(exchange: Exchange): Promise<Reply> {
    const form = new URLSearchParams((await readBody(exchange)).toString());
    if (form.get('grant_type') !== JWT_BEARER)
      return jsonReply(400, { error: 'unsupported_grant_type', error_description: 'Invalid grant_type' });
    const audience = [this.account.token_uri, GOOGLE_TOKEN_URL];
    if (!(await this.#signedByAccount(form.get('assertion') ?? '', audience))) {
      return jsonReply(400, { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' });
    }
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    this.#tokens.add(token);
    return jsonReply(200, { access_token: token, expires_in: 3599, token_type: 'Bearer' });
  }

  /** `POST .../serviceAccounts/{email}:signBlob` of the IAM Credentials API. */
  async signBlob(exchange: Exchange, email: string): Promise<Reply> {
    if (email !== this.account.client_email) throw new HttpFailure(404, 'notFound', 'Unknown service account');
    const { payload } = readJson((await readBody(exchange)).toString());
    if (typeof payload !== 'string' || payload === '') throw invalid('Invalid value at payload');
    const signer = createSign('RSA-SHA256').update(Buffer.from(payload, 'base64'));
    return jsonReply(200, { keyId: this.account.private_key_id, signedBlob: signer.sign(this.account.private_key, 'base64') });
  }

  async #signedByAccount(jwt: string, audience?: string[]): Promise<boolean> {
    try {
      const limits = {
        issuer: this.account.client_email,
        algorithms: ['RS256'],
        maxTokenAge: '1h',
        currentDate: new Date(this.#now()),
      };
      await jwtVerify(jwt, this.publicKey, audience === undefined ? limits : { ...limits, audience });
      return true;
    } catch {
      return false;
    }
  }
}

function unauthorized(reason: string, message: string): HttpFailure {
  return new HttpFailure(401, reason, message, {
    headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/"' },
  });
}

function readJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    throw invalid('Parse Error');
  }
}
