import 'reflect-metadata';
import type { Upload } from 'graphql-upload-minimal';
import { ArgsType, Field, InputType } from 'type-graphql';
import { FocusInputType } from './image-types.ts';
import { UploadScalar } from './scalars.ts';

/** What an upload may say of its file for people, in a form and in advance. */
@ArgsType()
@InputType()
export abstract class DescriptionFields {
  @Field(() => String, { nullable: true, description: 'A title for people, at most 300 characters.' })
  title?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What to read out to somebody who does not see it, at most 2000 characters.',
  })
  altText?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: 'At most 50 tags of 1 to 64 characters each; repeated ones are kept once.',
  })
  tags?: string[] | null;
}

/** The arguments of `uploadImage` and `uploadVideo`. */
@ArgsType()
export class UploadArguments extends DescriptionFields {
  @Field(() => UploadScalar, { description: 'The file. What its bytes say counts; its name and declared type do not.' })
  file!: Upload;
}

/** The schema's UpdateMediaInput. */
@InputType('UpdateMediaInput', {
  description: 'What to change of an asset. A field that is left out stays as it is; null clears it.',
})
export class UpdateMediaInputType {
  @Field(() => String, { nullable: true, description: 'A title for people, at most 300 characters. Null clears it.' })
  title?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What to read out to somebody who does not see it, at most 2000 characters. Null clears it.',
  })
  altText?: string | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'All tags from now on: at most 50 of 1 to 64 characters each; repeated ones are kept once. Null or an empty list clears them.',
  })
  tags?: string[] | null;

  @Field(() => FocusInputType, {
    nullable: true,
    description: 'Images only: what `fit: COVER` keeps in sight, in hundredths. Null leaves it to what draws attention.',
  })
  focus?: FocusInputType | null;
}
