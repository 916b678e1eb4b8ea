import 'reflect-metadata';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { MediaKind } from '../media/media-asset.ts';
import { DescriptionFields } from './input-types.ts';
import { MediaKindEnum } from './media-types.ts';
import { AbsoluteUrl, DateTime, SafeInt } from './scalars.ts';

/** The schema's CreateUploadInput. */
@InputType('CreateUploadInput', { description: 'What is to be known of a file before its bytes are sent.' })
export class CreateUploadInputType extends DescriptionFields {
  @Field(() => MediaKindEnum, { description: 'Whether it is an image or a video.' })
  kind!: MediaKind;

  @Field(() => String, { description: "The file's name." })
  filename!: string;

  @Field(() => String, {
    description:
      'The type as the client knows it, `application/octet-stream` when it does not; one that the kind does not accept is UNSUPPORTED_MEDIA_TYPE at once. What the bytes say counts.',
  })
  mimeType!: string;

  @Field(() => SafeInt, {
    description: "The file's size in bytes, from 1. Exactly so many have to be sent; they count against the quota from now on.",
  })
  size!: number;
}

/** The schema's HttpHeader. */
@ObjectType('HttpHeader', { simpleResolvers: true, description: 'A header of an HTTP request.' })
export class HttpHeaderType {
  @Field(() => String, { description: 'Its name.' })
  name!: string;

  @Field(() => String, { description: 'Its value.' })
  value!: string;
}

/** The schema's DirectUpload. */
@ObjectType('DirectUpload', {
  simpleResolvers: true,
  description:
    'A resumable session in the protocol of Google Cloud Storage, on the bucket or on this server. Send the bytes to `url`: the whole file in one PUT, or chunks with ' +
    '`Content-Range: bytes FIRST-LAST/SIZE`; all but the last are multiples of 262144 bytes. 308 with `Range: bytes=0-LAST` tells what is held, 200 that all is. ' +
    'After anything that went wrong, a PUT without a body and with `Content-Range: bytes */SIZE` asks, and the rest is sent from there. DELETE ends it. Then call `completeUpload`.',
})
export class DirectUploadType {
  @Field(() => ID, { description: 'The id of the asset to come.' })
  id!: string;

  @Field(() => AbsoluteUrl, {
    description:
      'Where to send the bytes. Whoever holds it may send: it is a secret, needs no `Authorization`, and is told once.',
  })
  url!: string;

  @Field(() => String, { description: 'The method to send them with: PUT.' })
  method!: string;

  @Field(() => [HttpHeaderType], { description: 'Headers to send along.' })
  headers!: HttpHeaderType[];

  @Field(() => Int, { description: 'How many bytes to send at a time, if not all at once: a multiple of 262144.' })
  chunkSize!: number;

  @Field(() => DateTime, {
    description: 'When the session ends. An upload that is not complete by then is abandoned, and nothing of it stays.',
  })
  expiresAt!: Date;
}
