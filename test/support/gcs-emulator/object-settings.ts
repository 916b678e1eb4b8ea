import { invalid } from './reply.ts';

/** What a writer may set on an object. Custom `metadata` holds strings only. */
export type ObjectSettings = {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  metadata?: Record<string, string>;
};

/** An object resource as a client sends it: settings, perhaps a name, perhaps checksums to hold the bytes against. */
export type SentResource = { settings: ObjectSettings; name?: string; crc32c?: string; md5Hash?: string };

/** Reads a sent object resource; 400 for anything but an object with string fields. Fields nobody may write are ignored. */
export function readResource(text: string, uniformAccess: boolean): SentResource {
  const sent = parseObject(text);
  if (uniformAccess && sent.acl !== undefined) throw legacyAcl();
  const resource: SentResource = { settings: readSettings(sent) };
  for (const field of ['name', 'crc32c', 'md5Hash'] as const) {
    const value = readString(sent, field);
    if (value !== undefined) resource[field] = value;
  }
  return resource;
}

/** Applies a PATCH body to settings: null removes a field or a metadata key, what is not named stays. */
export function patchSettings(current: ObjectSettings, text: string): ObjectSettings {
  const patch = parseObject(text);
  const next: ObjectSettings = { ...current };
  for (const field of SETTING_NAMES) {
    if (patch[field] === null) delete next[field];
    else Object.assign(next, optional(field, readString(patch, field)));
  }
  if (patch.metadata === null) delete next.metadata;
  else if (patch.metadata !== undefined) next.metadata = patchMetadata(current.metadata ?? {}, patch.metadata);
  return next;
}

/** The refusal of ACLs on a bucket with uniform access. */
export function legacyAcl(): Error {
  return invalid('Cannot insert legacy ACL for an object when uniform bucket-level access is enabled.');
}

/** 400 unless `name` is one that Google takes: 1 to 1024 bytes of UTF-8, no line ends, not `.` or `..`. */
export function checkObjectName(name: string): void {
  const sizeBytes = Buffer.byteLength(name);
  if (sizeBytes === 0) throw invalid('Required parameter: name');
  if (sizeBytes > 1024) throw invalid('The specified object name is longer than 1024 bytes.');
  if (/[\r\n]/.test(name) || name === '.' || name === '..') throw invalid(`Invalid object name: ${JSON.stringify(name)}`);
}

const SETTING_NAMES = ['contentType', 'cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage'] as const;
const CUSTOM_METADATA_LIMIT_BYTES = 8 * 1024;

function parseObject(text: string): Record<string, unknown> {
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('Parse Error');
  }
  if (!isRecord(value)) throw invalid('Parse Error');
  return value;
}

function readSettings(sent: Record<string, unknown>): ObjectSettings {
  const settings: ObjectSettings = {};
  for (const field of SETTING_NAMES) Object.assign(settings, optional(field, readString(sent, field)));
  if (sent.metadata !== undefined) settings.metadata = patchMetadata({}, sent.metadata);
  return settings;
}

function readString(sent: Record<string, unknown>, field: string): string | undefined {
  const value = sent[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(`Invalid value for: ${field} is not a valid string`);
  if (/[\r\n\0]/.test(value) && field !== 'name') throw invalid(`Invalid value for: ${field}`);
  return value;
}

function patchMetadata(current: Record<string, string>, patch: unknown): Record<string, string> {
  if (!isRecord(patch)) throw invalid('Invalid value for: metadata');
  const next = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete next[key];
    else if (typeof value === 'string') next[key] = value;
    else throw invalid(`Invalid value for: metadata.${key} is not a valid string`);
  }
  const sizeBytes = Object.entries(next).reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
  if (sizeBytes > CUSTOM_METADATA_LIMIT_BYTES)
    throw invalid('Your metadata headers exceed the maximum allowed size of 8192 bytes.');
  return next;
}

function optional(field: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [field]: value };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
