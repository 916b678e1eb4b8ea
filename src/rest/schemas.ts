import { type ErrorCode, errorTable } from '../errors.ts';
import { maxLinkSeconds } from '../media/links.ts';
import { mediaKinds, mediaStatuses } from '../media/media-asset.ts';
import { acceptedTypes } from '../media/policy.ts';
import { maxAltTextLength, maxFilenameBytes, maxTagLength, maxTags, maxTitleLength } from '../media/text.ts';

/** A piece of JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

const title = { type: ['string', 'null'], maxLength: maxTitleLength, description: 'What to call it.', examples: ['Dawn'] };
const altText = {
  type: ['string', 'null'],
  maxLength: maxAltTextLength,
  description: 'What it shows, for people who cannot see it.',
  examples: ['A lighthouse before sunrise'],
};
const tag = { type: 'string', minLength: 1, maxLength: maxTagLength };
const tags = {
  type: 'array',
  items: tag,
  maxItems: maxTags,
  description: 'Each once, in the order given.',
  examples: [['sea', 'travel']],
};

const zeroToOne = (description: string) => ({ type: 'number', minimum: 0, maximum: 1, description });
const focus = {
  type: ['object', 'null'],
  required: ['x', 'y'],
  properties: {
    x: zeroToOne('From the left: 0 is its edge, 1 the right one.'),
    y: zeroToOne('From the top: 0 is its edge, 1 the bottom.'),
  },
  description: 'Images only: what crops keep in sight, from the left and from the top.',
  examples: [{ x: 0.5, y: 0.25 }],
};

const commonFields = {
  id: { type: 'string', format: 'uuid', description: 'UUIDv7.', examples: ['0198c0de-7a11-7bbb-8ccc-0123456789ab'] },
  kind: { type: 'string', enum: mediaKinds, description: 'Whether it is an image or a video.' },
  status: {
    type: 'string',
    enum: mediaStatuses,
    description: 'How far the background work on it is. The original can be fetched in every status.',
  },
  filename: {
    type: 'string',
    description: `As sent, cleaned: no path, no control or direction-override characters, at most ${maxFilenameBytes} bytes.`,
    examples: ['dawn.jpg'],
  },
  mimeType: { type: 'string', description: 'From the bytes.', examples: ['image/jpeg'] },
  size: { type: 'integer', format: 'int64', minimum: 1, description: 'Bytes.', examples: [2_481_152] },
  sha256: { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'Of the bytes as uploaded, in hex.' },
  width: { type: ['integer', 'null'], description: 'Pixels, upright (orientation and rotation applied).', examples: [4032] },
  height: { type: ['integer', 'null'], description: 'Pixels, upright.', examples: [3024] },
  title,
  altText,
  tags,
  url: {
    type: 'string',
    format: 'uri',
    description: `A fresh link to the original bytes, for whoever holds it, good for at least an hour. (GraphQL can ask for up to ${maxLinkSeconds} seconds.)`,
  },
  createdAt: { type: 'string', format: 'date-time', description: 'When its upload began.' },
  updatedAt: { type: 'string', format: 'date-time', description: 'When it was last changed.' },
};

const pixels = {
  type: 'integer',
  minimum: 1,
  description: 'Pixels, upright (orientation and rotation applied).',
  examples: [4032],
};

const imageFields = {
  ...commonFields,
  kind: { type: 'string', const: 'IMAGE', description: 'It is an image.' },
  width: pixels,
  height: { ...pixels, examples: [3024] },
  animated: { type: 'boolean', description: 'Whether it has more than one frame.' },
  hasAlpha: { type: 'boolean', description: 'Whether it has an alpha channel.' },
  placeholder: {
    type: 'string',
    contentEncoding: 'base64',
    description: 'A ThumbHash: about 25 bytes that draw a blurred picture while the real one loads.',
    examples: ['3OcRJYB4d3h/iIeHeEh3eIhw+j3A'],
  },
  dominantColor: {
    type: ['string', 'null'],
    pattern: '^#[0-9a-f]{6}$',
    description: 'Null when it is all but transparent, or unknown.',
  },
  focus: { ...focus, description: 'What crops keep in sight; null leaves it to what draws attention.' },
};

const videoFields = {
  ...commonFields,
  kind: { type: 'string', const: 'VIDEO', description: 'It is a video.' },
  mimeType: { ...commonFields.mimeType, examples: ['video/mp4'] },
  duration: { type: ['number', 'null'], description: 'Seconds.', examples: [12.48] },
  videoCodec: { type: ['string', 'null'], description: 'Of the video track, in a short name.', examples: ['avc'] },
  audioCodec: {
    type: ['string', 'null'],
    description: 'Of the audio track; null when it has none, or one that is not known.',
    examples: ['aac'],
  },
  frameRate: { type: ['number', 'null'], description: 'Frames a second.', examples: [29.97] },
};

/** A schema whose fields are always there, so that generated clients type them without a question mark. */
function whole(id: string, properties: Schema, description: string): Schema & { $id: string } {
  return { $id: id, type: 'object', description, required: Object.keys(properties), properties };
}

/** The schemas that routes refer to by `<name>#`; they become `#/components/schemas/<name>`. */
export const sharedSchemas: readonly (Schema & { $id: string })[] = [
  whole('ImageAsset', imageFields, 'An image.'),
  whole('VideoAsset', videoFields, 'A video.'),
  {
    $id: 'MediaAsset',
    description: 'An image or a video; `kind` tells which.',
    oneOf: [{ $ref: 'ImageAsset#' }, { $ref: 'VideoAsset#' }],
    discriminator: {
      propertyName: 'kind',
      mapping: { IMAGE: '#/components/schemas/ImageAsset', VIDEO: '#/components/schemas/VideoAsset' },
    },
  },
  whole(
    'MediaPage',
    {
      items: { type: 'array', items: { $ref: 'MediaAsset#' }, description: 'Newest first.' },
      nextCursor: { type: ['string', 'null'], description: 'The `after` of the next page; null on the last.' },
      totalCount: { type: 'integer', minimum: 0, description: 'How many there are on all pages.' },
    },
    'A page of media, newest first.',
  ),
  {
    $id: 'UpdateMediaInput',
    type: 'object',
    description: 'What to change: an absent field stays, null clears it.',
    additionalProperties: false,
    properties: { title, altText, tags: { ...tags, type: ['array', 'null'] }, focus },
  },
  {
    $id: 'CreateUploadInput',
    type: 'object',
    description: 'What is to be known of a file before its bytes are sent.',
    additionalProperties: false,
    required: ['kind', 'filename', 'mimeType', 'size'],
    properties: {
      kind: commonFields.kind,
      filename: { type: 'string', description: "The file's name.", examples: ['film.mp4'] },
      mimeType: {
        type: 'string',
        description:
          'As the client knows it; `application/octet-stream` when it does not. What the bytes say counts, but a type that the kind does not accept is refused at once.',
        examples: ['video/mp4'],
      },
      size: {
        ...commonFields.size,
        description: 'Bytes. Exactly so many have to be sent; they count against the quota from now on.',
        examples: [2_147_483_648],
      },
      title,
      altText,
      tags: { ...tags, type: ['array', 'null'] },
    },
  },
  whole(
    'HttpHeader',
    { name: { type: 'string', examples: ['Content-Type'] }, value: { type: 'string', examples: ['video/mp4'] } },
    'A header of an HTTP request.',
  ),
  whole(
    'DirectUpload',
    {
      id: { ...commonFields.id, description: 'Of the asset to come.' },
      url: {
        type: 'string',
        format: 'uri',
        description:
          'Where to send the bytes. Whoever holds it may send: it is a secret, needs no `Authorization`, and is told once.',
      },
      method: { type: 'string', const: 'PUT' },
      headers: { type: 'array', items: { $ref: 'HttpHeader#' }, description: 'To be sent along.' },
      chunkSize: {
        type: 'integer',
        multipleOf: 262_144,
        description: 'How many bytes to send at a time, if not all at once.',
        examples: [8_388_608],
      },
      expiresAt: {
        type: 'string',
        format: 'date-time',
        description: 'When the session ends. An upload that is not complete by then is abandoned, and nothing of it stays.',
      },
    },
    'A resumable session in the protocol of Google Cloud Storage.',
  ),
  whole(
    'DeletedMedia',
    {
      id: commonFields.id,
      purged: {
        type: 'boolean',
        description: 'Whether the bytes are gone too; if not, they are removed as soon as the storage answers.',
      },
    },
    'A deletion.',
  ),
  {
    $id: 'Problem',
    type: 'object',
    description: 'An error as RFC 9457 describes it.',
    required: ['type', 'title', 'status', 'detail', 'requestId'],
    properties: {
      type: { type: 'string', format: 'uri-reference', examples: ['urn:mediakeep:problem:not-found'] },
      title: { type: 'string', examples: ['No such media'] },
      status: { type: 'integer', examples: [404] },
      detail: { type: 'string', description: 'A sentence for the user.', examples: ['There is no such media of yours.'] },
      code: { type: 'string', enum: Object.keys(errorTable), description: 'The same codes as in GraphQL.' },
      requestId: { type: 'string', format: 'uuid', description: 'Names this request in the log.' },
    },
  },
];

/** The form of an upload. The file comes last, because what follows it is not read. */
export function uploadForm(kind: keyof typeof acceptedTypes): Schema {
  const { inWords, noun } = acceptedTypes[kind];
  return {
    type: 'object',
    required: ['file'],
    properties: {
      title: { ...title, type: 'string' },
      altText: { ...altText, type: 'string' },
      tags: { ...tags, description: 'Repeated parts, one tag each, or one part with a JSON array of strings.' },
      file: {
        type: 'string',
        format: 'binary',
        contentMediaType: 'application/octet-stream',
        description: `The ${noun}, with a filename: ${inWords}. What the bytes say counts; the name and the declared type do not.`,
      },
    },
  };
}

/** The answers every route can give when it does not succeed, and those of `codes`. */
export function problems(...codes: ErrorCode[]): Record<number, Schema> {
  const possible: ErrorCode[] = [...codes, 'UNAUTHENTICATED', 'RATE_LIMITED', 'STORAGE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR'];
  const answers: Record<number, Schema> = {};
  for (const [status, sameStatus] of Map.groupBy(possible, (code) => errorTable[code].status)) {
    const description = sameStatus.map((code) => `${errorTable[code].title} (\`${code}\`).`).join(' ');
    const canWait = sameStatus.some((code) => mayTellToWait.has(code));
    answers[status] = {
      description,
      content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
      ...(canWait && { headers: { 'Retry-After': { type: 'integer', description: 'Seconds to wait.' } } }),
    };
  }
  return answers;
}

/** Codes that may come with a Retry-After. */
const mayTellToWait: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['RATE_LIMITED', 'OVERLOADED', 'IDEMPOTENCY_CONFLICT']);

/** A success with a JSON body. */
export function success(name: string, description: string, headers: Schema = {}): Schema {
  return { description, content: { 'application/json': { schema: { $ref: `${name}#` } } }, headers };
}

/** A success without a body. */
export function nothing(description: string, headers: Schema = {}): Schema {
  return { type: 'null', description, headers };
}
