import { MediakeepError } from '../errors.ts';
import type { UploadAnnouncement } from '../media/direct-uploads.ts';
import type { ChangeRequest, ListRequest } from '../media/library.ts';
import { type MediaKind, type MediaStatus, mediaKinds, mediaStatuses } from '../media/media-asset.ts';
import { type ImageFit, type ImageFormat, imageFits, imageFormats, type RenditionRequest } from '../media/renditions.ts';

/** The query of a list. Each parameter at most once, an empty one counts as absent, unknown ones are ignored. BAD_USER_INPUT. */
export function readListQuery(query: unknown): ListRequest {
  const texts = query as Record<string, unknown>;
  const first = oneText(texts, 'first');
  return {
    first: first === undefined ? undefined : wholeNumber('first', first),
    after: oneText(texts, 'after'),
    kind: oneOf<MediaKind>('kind', mediaKinds, oneText(texts, 'kind')),
    status: oneOf<MediaStatus>('status', mediaStatuses, oneText(texts, 'status')),
    tag: oneText(texts, 'tag'),
    search: oneText(texts, 'search'),
  };
}

/** The query of a rendition. Each parameter at most once, an empty one counts as absent. BAD_USER_INPUT. */
export function readRenditionQuery(query: unknown): RenditionRequest {
  const texts = query as Record<string, unknown>;
  const pixels = (name: string): number | undefined => {
    const text = oneText(texts, name);
    return text === undefined ? undefined : wholeNumber(name, text);
  };
  return {
    width: pixels('width'),
    height: pixels('height'),
    fit: oneOf<ImageFit>('fit', imageFits, oneText(texts, 'fit')),
    format: oneOf<ImageFormat>('format', imageFormats, oneText(texts, 'format')),
  };
}

/** The same list from `after` on: the query of the next page, with every filter kept. */
export function nextQuery(request: ListRequest, after: string): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...request, after })) {
    if (value !== undefined && value !== null) parameters.set(name, String(value));
  }
  return parameters.toString();
}

/** The body of a PATCH: UpdateMediaInput as JSON, in which an absent field stays and null clears. BAD_USER_INPUT for any other field or type. */
export function readChange(body: unknown): ChangeRequest {
  if (!isObject(body)) throw bad('The body must be a JSON object with `title`, `altText`, `tags` or `focus`.');
  const unknown = Object.keys(body).find((name) => !(name in changeRules));
  if (unknown !== undefined)
    throw bad('The body has an unknown field: only `title`, `altText`, `tags` and `focus` can be changed.');
  for (const [name, value] of Object.entries(body)) {
    const rule = changeRules[name as keyof typeof changeRules];
    if (value !== null && !rule.fits(value)) throw bad(`\`${name}\` must be ${rule.inWords} or null.`);
  }
  return body as ChangeRequest;
}

/** The body of a new upload: CreateUploadInput as JSON. BAD_USER_INPUT for a field that is missing, unknown or of another type. */
export function readAnnouncement(body: unknown): UploadAnnouncement {
  if (!isObject(body)) throw bad('The body must be a JSON object with `kind`, `filename`, `mimeType` and `size`.');
  const unknown = Object.keys(body).find((name) => !(name in announcementRules));
  if (unknown !== undefined)
    throw bad(
      `The body has an unknown field: it may have ${Object.keys(announcementRules)
        .map((name) => `\`${name}\``)
        .join(', ')}.`,
    );
  for (const [name, rule] of Object.entries(announcementRules)) {
    const value = (body as Record<string, unknown>)[name];
    const mayBeNull = name in describing;
    if (!(mayBeNull && (value === undefined || value === null)) && !rule.fits(value)) {
      throw bad(`\`${name}\` must be ${rule.inWords}${mayBeNull ? ' or null' : ''}.`);
    }
  }
  return body as unknown as UploadAnnouncement;
}

function isObject(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

const text = { fits: (value: unknown) => typeof value === 'string', inWords: 'a text' };
const texts = {
  fits: (value: unknown) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  inWords: 'a list of texts',
};
const point = {
  fits: (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    'x' in value &&
    typeof value.x === 'number' &&
    'y' in value &&
    typeof value.y === 'number',
  inWords: 'an object with the numbers `x` and `y`',
};
const kind = {
  fits: (value: unknown) => mediaKinds.some((each) => each === value),
  inWords: `one of ${mediaKinds.join(', ')}`,
};
const bytes = { fits: (value: unknown) => typeof value === 'number', inWords: 'a number of bytes' };
const describing = Object.assign(Object.create(null) as object, { title: text, altText: text, tags: texts });
const changeRules = Object.assign(Object.create(null) as object, { ...describing, focus: point });
const announcementRules = Object.assign(Object.create(null) as object, {
  kind,
  filename: text,
  mimeType: text,
  size: bytes,
  ...describing,
});

function oneText(query: Record<string, unknown>, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw bad(`\`${name}\` is given more than once.`);
  return value;
}

function wholeNumber(name: string, value: string): number {
  if (!/^-?\d{1,9}$/.test(value)) throw bad(`\`${name}\` must be a whole number.`);
  return Number(value);
}

function oneOf<T extends string>(name: string, values: readonly T[], value: string | undefined): T | undefined {
  const found = values.find((each) => each === value);
  if (value !== undefined && found === undefined) throw bad(`\`${name}\` must be one of ${values.join(', ')}.`);
  return found;
}

function bad(message: string): MediakeepError {
  return new MediakeepError('BAD_USER_INPUT', message);
}
