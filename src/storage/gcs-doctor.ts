import type { GoogleAuth } from 'google-auth-library';
import { baseOf, defaultPatience, type GcsStorageOptions, signedUrlsOf } from './gcs.ts';
import { applicationDefaultCredentials, authorizationOf, hasCredentials } from './gcs-access.ts';
import { BucketApi } from './gcs-api.ts';
import { type Answer, HttpClient } from './http.ts';
import type { Limits } from './retry.ts';

/** One thing that was looked at. `remedy` is there when it is not as it should be. */
export interface Diagnosis {
  readonly name: string;
  readonly ok: boolean;
  /** For the operator: may name accounts and repeat what Google says. */
  readonly detail: string;
  readonly remedy?: string;
}

/** What the adapter needs of a bucket, and nothing more. */
const neededPermissions = ['create', 'get', 'delete', 'list'].map((each) => `storage.objects.${each}`);

/** A clock that is further off makes signatures and tokens fail sooner or later, in seconds. */
const clockToleranceSeconds = 60;

/**
 * Looks at everything that must be right for a bucket to serve this server, and says how to mend what is not: credentials, bucket,
 * permissions, uniform access, public access prevention, CORS, signing, clock. Never rejects, changes nothing, takes a minute at most.
 */
export async function diagnoseBucket(options: GcsStorageOptions): Promise<Diagnosis[]> {
  const http = new HttpClient({ idleMs: options.idleMs ?? 30_000, maxSockets: 4 });
  try {
    return await examine(await patientOf(options, http));
  } finally {
    http.close();
  }
}

interface Patient {
  readonly options: GcsStorageOptions;
  readonly http: HttpClient;
  readonly api: BucketApi;
  readonly auth: GoogleAuth;
  /** undefined: there are none. */
  readonly credentials: { readonly account: string } | undefined;
  readonly whyNone: unknown;
  readonly callMs: number;
}

async function patientOf(options: GcsStorageOptions, http: HttpClient): Promise<Patient> {
  const { callMs } = options.patience ?? defaultPatience;
  const auth = options.auth ?? applicationDefaultCredentials({ projectId: options.projectId, callMs });
  const search = await hasCredentials(auth);
  const credentials = search.found ? { account: await accountOf(auth) } : undefined;
  const api = new BucketApi({ http, auth: search.found ? auth : undefined, base: baseOf(options), bucket: options.bucket });
  return { options, http, api, auth, credentials, whyNone: search.found ? undefined : search.error, callMs };
}

async function examine(patient: Patient): Promise<Diagnosis[]> {
  const checks: [string, (patient: Patient) => Promise<Finding[]>][] = [
    ['credentials', credentials],
    ['bucket', reachability],
    ['permissions', permissions],
    ['settings', settings],
    ['signing', signing],
    ['clock', clock],
  ];
  const diagnoses: Diagnosis[] = [];
  for (const [name, check] of checks) {
    const findings = await check(patient).catch((error: unknown) => [unanswered(error)]);
    diagnoses.push(...findings.map((finding) => ({ name, ...finding })));
  }
  return diagnoses;
}

type Finding = Omit<Diagnosis, 'name'> & { name?: string };

async function credentials(patient: Patient): Promise<Finding[]> {
  if (patient.credentials !== undefined) {
    await authorizationOf(patient.auth, limitsOf(patient));
    return [{ ok: true, detail: `signs in as ${patient.credentials.account}` }];
  }
  if (patient.options.apiEndpoint !== undefined)
    return [{ ok: true, detail: `none were found; ${patient.options.apiEndpoint} is used without` }];
  const remedy =
    'Attach a service account to the machine (Compute Engine, Cloud Run, GKE workload identity), or name a key file in GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.';
  return [{ ok: false, detail: textOf(patient.whyNone), remedy }];
}

async function reachability(patient: Patient): Promise<Finding[]> {
  const { bucket } = patient.options;
  const answer = await patient.api.get('/o?maxResults=1&fields=kind', limitsOf(patient));
  if (answer.status === 200) return [{ ok: true, detail: `gs://${bucket} answers` }];
  const remedies: Record<number, string> = {
    401: 'The credentials are not accepted: see the line above, and the clock.',
    403: grant(patient, 'roles/storage.objectUser'),
    404: `Create it: gcloud storage buckets create gs://${bucket} --location=REGION --uniform-bucket-level-access --public-access-prevention`,
  };
  const remedy = remedies[answer.status] ?? 'Look at https://status.cloud.google.com and at the way to the endpoint.';
  return [{ ok: false, detail: `it answers ${answer.status}: ${briefly(answer)}`, remedy }];
}

async function permissions(patient: Patient): Promise<Finding[]> {
  const query = neededPermissions.map((each) => `permissions=${each}`).join('&');
  const answer = await patient.api.get(`/iam/testPermissions?${query}`, limitsOf(patient));
  if (answer.status !== 200) return [{ ok: false, detail: `they cannot be asked for: ${answer.status}: ${briefly(answer)}` }];
  const { permissions: granted = [] } = JSON.parse(answer.body.toString()) as { permissions?: string[] };
  const missing = neededPermissions.filter((each) => !granted.includes(each));
  if (missing.length === 0) return [{ ok: true, detail: `it has ${neededPermissions.join(', ')}` }];
  return [{ ok: false, detail: `missing: ${missing.join(', ')}`, remedy: grant(patient, 'roles/storage.objectUser') }];
}

interface BucketSettings {
  readonly iamConfiguration?: {
    readonly uniformBucketLevelAccess?: { readonly enabled?: boolean };
    readonly publicAccessPrevention?: string;
  };
  readonly cors?: readonly { readonly origin?: readonly string[]; readonly method?: readonly string[] }[];
}

async function settings(patient: Patient): Promise<Finding[]> {
  const answer = await patient.api.get('?fields=iamConfiguration,cors', limitsOf(patient));
  if (answer.status !== 200) {
    const detail = `uniform access, public access prevention and CORS cannot be seen: ${answer.status}: ${briefly(answer)}`;
    return [{ ok: false, detail, remedy: `For this look only: ${grant(patient, 'roles/storage.bucketViewer')}` }];
  }
  const found = JSON.parse(answer.body.toString()) as BucketSettings;
  return [uniformAccess(found, patient), publicAccess(found, patient), cors(found, patient)];
}

function uniformAccess({ iamConfiguration }: BucketSettings, { options: { bucket } }: Patient): Finding {
  const name = 'uniform access';
  if (iamConfiguration?.uniformBucketLevelAccess?.enabled === true) return { name, ok: true, detail: 'on: only IAM decides' };
  const remedy = `gcloud storage buckets update gs://${bucket} --uniform-bucket-level-access`;
  return { name, ok: false, detail: 'off: single objects may have access rules of their own', remedy };
}

function publicAccess({ iamConfiguration }: BucketSettings, { options: { bucket } }: Patient): Finding {
  const name = 'public access prevention';
  if (iamConfiguration?.publicAccessPrevention === 'enforced') return { name, ok: true, detail: 'enforced' };
  const remedy = `gcloud storage buckets update gs://${bucket} --public-access-prevention`;
  return { name, ok: false, detail: 'not enforced on the bucket: a mistake in IAM could show everything to everybody', remedy };
}

function cors({ cors: rules = [] }: BucketSettings, { options: { bucket } }: Patient): Finding {
  const name = 'CORS';
  const rule = rules.find(({ method = [] }) => method.includes('PUT') || method.includes('*'));
  if (rule !== undefined) return { name, ok: true, detail: `pages of ${rule.origin?.join(', ')} may PUT` };
  const remedy = `gcloud storage buckets update gs://${bucket} --cors-file=cors.json (docs/google-cloud-storage.md has the file)`;
  return { name, ok: false, detail: 'no rule lets a page PUT: browsers could not upload to the bucket', remedy };
}

/** Signs a link to an object that does not exist: 404 says that the signature was accepted. */
async function signing(patient: Patient): Promise<Finding[]> {
  const { options, auth, http } = patient;
  if (options.delivery === 'proxy') return [{ ok: true, detail: 'not needed: DELIVERY=proxy' }];
  if (patient.credentials === undefined) return [{ ok: true, detail: 'impossible without credentials: links are proxied' }];
  const urls = signedUrlsOf(options, auth);
  const expiresAt = new Date(Date.now() + 60_000);
  const about = { contentType: 'text/plain', contentDisposition: 'inline', expiresAt };
  const signed = await urls.get('mediakeep-doctor/absent', about).catch((error: unknown) => ({ error }));
  if (typeof signed !== 'string') return [unsigned(signed.error, patient)];
  const answer = await http.send({ method: 'GET', url: signed, headers: {}, ...limitsOf(patient) });
  if (answer.status === 404) return [{ ok: true, detail: 'the bucket accepts a link that was signed here' }];
  const remedy = 'Look at the clock and the permissions; DELIVERY=proxy does without signatures.';
  return [{ ok: false, detail: `the bucket answers ${answer.status} to a signed link: ${briefly(answer)}`, remedy }];
}

function unsigned(error: unknown, { credentials: found }: Patient): Finding {
  const account = found?.account ?? 'ACCOUNT';
  const remedy = `Without a key file the account signs through the IAM Credentials API: gcloud services enable iamcredentials.googleapis.com; gcloud iam service-accounts add-iam-policy-binding ${account} --member=serviceAccount:${account} --role=roles/iam.serviceAccountTokenCreator. A person's own login cannot sign. DELIVERY=proxy does without.`;
  return { ok: false, detail: textOf(error), remedy };
}

async function clock(patient: Patient): Promise<Finding[]> {
  const before = Date.now();
  const answer = await patient.api.get('?fields=kind', limitsOf(patient));
  const theirs = Date.parse(answer.headers.date ?? '');
  if (Number.isNaN(theirs))
    return [{ ok: false, detail: 'the answer has no Date', remedy: 'Look at what stands between here and the bucket.' }];
  const offSeconds = Math.round((theirs - (before + Date.now()) / 2) / 1000);
  const detail = `${Math.abs(offSeconds)} s ${offSeconds > 0 ? 'behind' : 'ahead of'} the bucket's`;
  if (Math.abs(offSeconds) <= clockToleranceSeconds) return [{ ok: true, detail }];
  return [{ ok: false, detail, remedy: 'Let the machine keep time by NTP: signatures and tokens carry it.' }];
}

async function accountOf(auth: GoogleAuth): Promise<string> {
  const { client_email: email } = await auth.getCredentials().catch(() => ({ client_email: undefined }));
  return email ?? "a person's own login";
}

function grant({ options: { bucket }, credentials: found }: Patient, role: string): string {
  const account = found?.account ?? 'ACCOUNT';
  return `gcloud storage buckets add-iam-policy-binding gs://${bucket} --member=serviceAccount:${account} --role=${role}`;
}

function unanswered(error: unknown): Finding {
  return { ok: false, detail: textOf(error), remedy: 'Look at the lines above and at the way to the endpoint.' };
}

function limitsOf({ callMs }: Patient): Limits {
  return { limitMs: callMs, signal: new AbortController().signal };
}

function briefly({ body }: Answer): string {
  return body.toString('utf8', 0, 300).replace(/\s+/g, ' ');
}

/** The failure and what is behind it. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
