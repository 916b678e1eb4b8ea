import type { FieldInfo } from 'busboy';
import { MediakeepError } from '../errors.ts';

/**
 * The fields of an upload form that mean something to us: `title` and `altText`, each at most once, and `tags`, repeated or as one JSON array of
 * strings. What else a client adds (Uppy: name, type, relativePath) is ignored; an empty field counts as absent, as HTML forms send them.
 */
export class FormFields {
  title: string | null = null;
  altText: string | null = null;
  readonly tags: string[] = [];

  /** Takes one field as it arrives. BAD_USER_INPUT when it does not fit. */
  take(name: string | undefined, value: unknown, { valueTruncated }: FieldInfo): void {
    if (name === 'file') throw bad('The part `file` has no filename, so it is not a file.');
    if (name !== 'title' && name !== 'altText' && name !== 'tags') return;
    if (valueTruncated) throw bad(`The text of \`${name}\` is too long.`);
    // busboy hands on undefined for a charset it does not know.
    if (typeof value !== 'string') throw bad(`The text of \`${name}\` is in an unknown charset: send UTF-8.`);
    if (value === '') return;
    if (name === 'tags') this.tags.push(...readTags(value));
    else this[name] = this.#once(name, value);
  }

  #once(name: 'title' | 'altText', value: string): string {
    if (this[name] !== null) throw bad(`The form has more than one \`${name}\`.`);
    return value;
  }
}

/** One tag, or a JSON array of them. No commas: a tag may hold one. */
function readTags(value: string): string[] {
  if (!value.trimStart().startsWith('[')) return [value];
  const tags = parseJson(value);
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw bad('`tags` must be sent as repeated parts, one tag each, or as one JSON array of strings.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bad(message: string): MediakeepError {
  return new MediakeepError('BAD_USER_INPUT', message);
}
