import { Authority } from './authority.ts';
import { ByteLog } from './byte-log.ts';
import type { Emulated } from './emulated.ts';
import { type Fault, FaultScript, type RequestKind, type RequestRecord } from './faults.ts';
import { type Listener, listen } from './listener.ts';
import type { ObjectSettings } from './object-settings.ts';
import { sessionUri } from './resumable.ts';
import { type ServiceAccount, testServiceAccount } from './service-account.ts';
import type { UploadSession } from './session.ts';
import { SessionTable } from './session-table.ts';
import { type BucketOptions, Store, type StoredObject } from './store.ts';

/** The token every emulator accepts unless a test names its own. */
export const TEST_ACCESS_TOKEN = 'test-access-token';

/** How to start an emulator; only `buckets` must be given. */
export type GcsEmulatorOptions = {
  buckets: readonly BucketOptions[];
  /** False lets everyone in, for clients that send no token to a custom endpoint. Signed URLs are verified all the same. */
  requireAuth?: boolean;
  accessToken?: string;
  /** False keeps sizes and CRC32C only: downloads and MD5 fail. For benchmarks. */
  keepBytes?: boolean;
  /** The longest page of a list, whatever the client asks for; 1000 as on Google's servers. */
  listPageLimit?: number;
  /** Whether a session's preconditions are checked when it starts as well as when it ends. Google's servers have done both. */
  checkPreconditionsAtStart?: boolean;
  /** Milliseconds since 1970, for signatures, tokens and times; the system clock when left out. */
  now?: () => number;
};

/** One object as a test looks at it. `data` throws under `keepBytes: false`. */
export type ObjectView = ObjectSettings & {
  size: number;
  crc32c: string;
  generation: string;
  data: () => Buffer;
};

/** One session that neither finished nor ended. `uri` is the secret a client was given. */
export type SessionView = { uploadId: string; uri: string; bucket: string; name: string; heldBytes: number };

/** A running emulator. Nothing in it outlives `close`. */
export type GcsEmulator = {
  readonly url: string;
  readonly accessToken: string;
  /** The one account whose signatures count; its `token_uri` is here. */
  readonly serviceAccount: ServiceAccount;
  /** Where `signBlob` is: what the official client takes as `signingEndpoint`. */
  readonly signingEndpoint: string;
  /** Every request since the start or the last `reset`, in order of arrival. */
  readonly requests: readonly RequestRecord[];
  count(kind: RequestKind): number;
  fault(fault: Fault): void;
  /** Faults that have yet to strike: 0 proves that a script was played out. */
  pendingFaults(): number;
  /** Puts an object there without a request. */
  put(bucket: string, name: string, data: Buffer, settings?: ObjectSettings): ObjectView;
  objects(bucket: string): ReadonlyMap<string, ObjectView>;
  liveSessions(): readonly SessionView[];
  /** Open TCP connections, idle keep-alive ones included. */
  openSockets(): number;
  /** Requests that have neither been answered nor lost their connection. */
  openRequests(): number;
  /** `refuse`: connections are refused. `hang`: requests are read and never answered. Lasts until `up` or `reset`. */
  down(how: 'refuse' | 'hang'): Promise<void>;
  up(): Promise<void>;
  /** As after the start: no objects, sessions, faults or records, and up. Cuts the connections of stalled requests. */
  reset(): Promise<void>;
  close(): Promise<void>;
};

/** Starts an emulator on a free port of 127.0.0.1. */
export async function startGcsEmulator(options: GcsEmulatorOptions): Promise<GcsEmulator> {
  const listener = await listen();
  const emulated = emulate(listener.url, options);
  listener.serve(emulated);
  return viewOf(emulated, listener, options.accessToken ?? TEST_ACCESS_TOKEN);
}

function emulate(url: string, options: GcsEmulatorOptions): Emulated {
  const {
    requireAuth = true,
    keepBytes = true,
    listPageLimit = 1000,
    checkPreconditionsAtStart = true,
    now = Date.now,
  } = options;
  return {
    url,
    store: new Store(options.buckets, now),
    sessions: new SessionTable(keepBytes),
    faults: new FaultScript(),
    authority: new Authority(testServiceAccount(url), options.accessToken ?? TEST_ACCESS_TOKEN, now),
    settings: { requireAuth, keepBytes, listPageLimit, checkPreconditionsAtStart, now },
  };
}

function viewOf(emulated: Emulated, listener: Listener, accessToken: string): GcsEmulator {
  const { url, store, sessions, faults, authority, settings } = emulated;
  return {
    url,
    accessToken,
    serviceAccount: authority.account,
    signingEndpoint: `${url}/v1/projects/-/serviceAccounts/`,
    requests: listener.records,
    count: (kind) => listener.records.filter((record) => record.kind === kind).length,
    fault: (fault) => faults.add(fault),
    pendingFaults: () => faults.pending,
    put(bucket, name, data, objectSettings = {}) {
      const content = new ByteLog(settings.keepBytes);
      content.append(data);
      return objectView(store.bucket(bucket).insert(name, content, objectSettings, {}));
    },
    objects: (bucket) => new Map([...store.bucket(bucket).objects].map(([name, stored]) => [name, objectView(stored)])),
    liveSessions: () => sessions.live().map((session) => sessionView(emulated, session)),
    openSockets: () => listener.openSockets(),
    openRequests: () => listener.openRequests(),
    down: (how) => listener.down(how),
    up: () => listener.up(),
    async reset() {
      for (const state of [store, sessions, faults]) state.clear();
      await listener.reset();
    },
    close: () => listener.close(),
  };
}

function objectView(stored: StoredObject): ObjectView {
  const { content, settings, generation } = stored;
  const facts = { size: content.sizeBytes, crc32c: content.crc32cBase64(), generation: String(generation) };
  return { ...settings, ...facts, data: () => content.toBuffer() };
}

function sessionView(emulated: Emulated, session: UploadSession): SessionView {
  const { uploadId, bucket, name } = session.start;
  return { uploadId, uri: sessionUri(emulated, session), bucket, name, heldBytes: session.heldBytes };
}
