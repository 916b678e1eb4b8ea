import { MediakeepError } from '../errors.ts';
import type { Description } from './media-asset.ts';

/** Most characters (UTF-16 code units) of a title. */
export const maxTitleLength = 300;
/** Most characters of an alternative text; screen readers lose people long before that. */
export const maxAltTextLength = 2000;
/** Most tags of one asset. */
export const maxTags = 50;
/** Most characters of one tag. */
export const maxTagLength = 64;
/** Most characters of a search text. */
export const maxSearchLength = 200;
/** Most bytes of a filename in UTF-8: what common file systems take. */
export const maxFilenameBytes = 255;

/** What may be said of an upload, as a client sent it. */
export interface RawDescription {
  readonly title?: string | null | undefined;
  readonly altText?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
}

/** Checks and trims a description: absent, null and blank texts become null, missing tags none. BAD_USER_INPUT with the field's name. */
export function cleanDescription(raw: RawDescription): Description {
  return { title: cleanTitle(raw.title), altText: cleanAltText(raw.altText), tags: cleanTags(raw.tags) };
}

/** A trimmed title of at most {@link maxTitleLength} characters, or null. */
export function cleanTitle(title: string | null | undefined): string | null {
  return cleanOptional('title', title, maxTitleLength);
}

/** A trimmed alternative text of at most {@link maxAltTextLength} characters, or null. */
export function cleanAltText(altText: string | null | undefined): string | null {
  return cleanOptional('altText', altText, maxAltTextLength);
}

/** Trimmed tags, each once, in the order given. */
export function cleanTags(tags: readonly string[] | null | undefined): string[] {
  const cleaned = (tags ?? []).map((tag) => {
    const text = cleanOptional('tags', tag, maxTagLength);
    if (text === null) throw badText('tags', 'has an empty tag');
    return text;
  });
  const unique = [...new Set(cleaned)];
  if (unique.length > maxTags) throw badText('tags', `has ${unique.length} tags; at most ${maxTags} fit`);
  return unique;
}

/** A text that PostgreSQL and JSON can hold: no NUL and no half of a surrogate pair, the classic sources of a 500. */
export function assertStorable(field: string, text: string): string {
  if (text.includes('\u0000')) throw badText(field, 'holds a NUL character');
  if (!text.isWellFormed()) throw badText(field, 'is not well-formed Unicode');
  return text;
}

/**
 * A filename that is safe to show and to put in a header: the last part of a path, without control and direction-override characters,
 * at most {@link maxFilenameBytes} bytes with the extension kept. Never fails: what leaves nothing becomes `file`.
 */
export function cleanFilename(raw: string | null | undefined): string {
  const base = (raw ?? '').toWellFormed().split(/[/\\]/).at(-1) ?? '';
  // Cc: controls. Cf holds the direction overrides and isolates (U+202A-202E, U+2066-2069), zero-width and tag characters; Zl, Zp break lines.
  // U+200D, the joiner inside emoji and several scripts, is the one format character a name may need.
  const visible = base
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]|(?!\u200d)\p{Cf}/gu, '')
    .trim();
  if (visible === '' || visible === '.' || visible === '..') return 'file';
  return shorten(visible);
}

function cleanOptional(field: string, text: string | null | undefined, maxLength: number): string | null {
  if (text === null || text === undefined) return null;
  const trimmed = assertStorable(field, text).trim();
  if (trimmed.length > maxLength) throw badText(field, `has ${trimmed.length} characters; at most ${maxLength} fit`);
  return trimmed === '' ? null : trimmed;
}

function badText(field: string, problem: string): MediakeepError {
  return new MediakeepError('BAD_USER_INPUT', `The text of \`${field}\` ${problem}.`);
}

function shorten(name: string): string {
  if (Buffer.byteLength(name) <= maxFilenameBytes) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= 32 ? name.slice(dot) : '';
  const stem = extension === '' ? name : name.slice(0, dot);
  return cutToBytes(stem, maxFilenameBytes - Buffer.byteLength(extension)) + extension;
}

function cutToBytes(text: string, limit: number): string {
  let cut = '';
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > limit) break;
    cut += character;
  }
  return cut;
}
