import type { IncomingHttpHeaders } from 'node:http';
import { HttpFailure } from './reply.ts';

/** Generation and metageneration preconditions. A generation of 0 stands for "no live object". */
export type Conditions = {
  generationMatch?: number;
  generationNotMatch?: number;
  metagenerationMatch?: number;
  metagenerationNotMatch?: number;
};

/** Reads `ifGenerationMatch` and its kin from a JSON API query; 400 when one is not an integer. */
export function conditionsFromQuery(query: URLSearchParams): Conditions {
  return readConditions(({ parameter }) => query.get(parameter) ?? undefined);
}

/** Reads `x-goog-if-generation-match` and its kin from XML API headers; 400 when one is not an integer. */
export function conditionsFromHeaders(headers: IncomingHttpHeaders): Conditions {
  return readConditions(({ header }) => headers[header]?.toString());
}

/**
 * 412 when `live` breaks a precondition. A failed "not match" on a read is 304 instead, as for a cache.
 * An absent object passes only `generationMatch: 0`.
 */
export function checkConditions(live: Versioned | undefined, conditions: Conditions, use: 'read' | 'write'): void {
  const { generationMatch, generationNotMatch, metagenerationMatch, metagenerationNotMatch } = conditions;
  if (generationMatch !== undefined && generationMatch !== (live?.generation ?? 0)) throw conditionNotMet();
  if (metagenerationMatch !== undefined && metagenerationMatch !== live?.metageneration) throw conditionNotMet();
  const unchanged = isUnwanted(generationNotMatch, live?.generation) || isUnwanted(metagenerationNotMatch, live?.metageneration);
  if (unchanged) throw use === 'read' ? notModified() : conditionNotMet();
}

/** 412 or 304 by `If-Match` and `If-None-Match` against the entity tags an object answers to. */
export function checkEntityTags(headers: IncomingHttpHeaders, tags: readonly string[]): void {
  const names = (header: string): boolean => header.split(',').some((tag) => tag.trim() === '*' || tags.includes(bare(tag)));
  if (headers['if-match'] !== undefined && !names(headers['if-match'])) throw conditionNotMet();
  if (headers['if-none-match'] !== undefined && names(headers['if-none-match'])) throw notModified();
}

type Versioned = { generation: number; metageneration: number };

const FIELDS = [
  { key: 'generationMatch', parameter: 'ifGenerationMatch', header: 'x-goog-if-generation-match' },
  { key: 'generationNotMatch', parameter: 'ifGenerationNotMatch', header: 'x-goog-if-generation-not-match' },
  { key: 'metagenerationMatch', parameter: 'ifMetagenerationMatch', header: 'x-goog-if-metageneration-match' },
  { key: 'metagenerationNotMatch', parameter: 'ifMetagenerationNotMatch', header: 'x-goog-if-metageneration-not-match' },
] as const;

function readConditions(read: (field: (typeof FIELDS)[number]) => string | undefined): Conditions {
  const conditions: Conditions = {};
  for (const field of FIELDS) {
    const value = read(field);
    if (value === undefined) continue;
    if (!/^\d+$/.test(value)) throw new HttpFailure(400, 'invalidParameter', `Invalid value for ${field.parameter}: ${value}`);
    conditions[field.key] = Number(value);
  }
  return conditions;
}

function isUnwanted(unwanted: number | undefined, actual: number | undefined): boolean {
  return unwanted !== undefined && (actual === undefined || unwanted === actual);
}

function bare(tag: string): string {
  return tag.trim().replace(/^W\//, '').replaceAll('"', '');
}

function conditionNotMet(): HttpFailure {
  return new HttpFailure(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.');
}

function notModified(): HttpFailure {
  return new HttpFailure(304, 'notModified', 'Not Modified');
}
