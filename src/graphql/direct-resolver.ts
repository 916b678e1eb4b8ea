import 'reflect-metadata';
import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql';
import type { DirectUpload } from '../media/direct-uploads.ts';
import type { GraphqlContext } from './context.ts';
import { CreateUploadInputType, DirectUploadType } from './direct-types.ts';
import { MediaAssetType } from './media-types.ts';

/** Uploads whose bytes do not come in a form. */
@Resolver()
export class DirectUploadResolver {
  @Mutation(() => DirectUploadType, {
    description:
      'Begins an upload whose bytes the client sends by itself, in one piece or many, past the limits of proxies and with a way on after everything that goes wrong. ' +
      '`deleteMedia` of its id takes it back. ' +
      'Errors: UNAUTHENTICATED, BAD_USER_INPUT, UNSUPPORTED_MEDIA_TYPE, INVALID_MEDIA, FILE_TOO_LARGE, QUOTA_EXCEEDED, RATE_LIMITED, STORAGE_UNAVAILABLE.',
  })
  async createUpload(
    @Arg('input', () => CreateUploadInputType, { description: 'What is to be known of the file.' }) input: CreateUploadInputType,
    @Ctx() { library, userId, origin }: GraphqlContext,
  ): Promise<DirectUpload> {
    return await library.createUpload(await userId(), { ...input, origin });
  }

  @Mutation(() => MediaAssetType, {
    description:
      'Makes the asset of an upload whose bytes have all been sent, after proving them as those of any upload; it can be called again. ' +
      'UPLOAD_INCOMPLETE, RATE_LIMITED, OVERLOADED and STORAGE_UNAVAILABLE leave everything as it is, for another try; UNSUPPORTED_MEDIA_TYPE, INVALID_MEDIA and FILE_TOO_LARGE leave nothing. ' +
      'Errors: UNAUTHENTICATED, NOT_FOUND, and these.',
  })
  async completeUpload(
    @Arg('id', () => ID, { description: 'The id that `createUpload` answered.' }) id: string,
    @Ctx() { library, userId }: GraphqlContext,
  ): Promise<unknown> {
    return await library.completeUpload(await userId(), id);
  }
}
