import { GraphQLError, GraphQLScalarType, type ValueNode } from 'graphql';
import { GraphQLDateTime, GraphQLSafeInt, GraphQLURL } from 'graphql-scalars';
import { GraphQLUpload, Upload } from 'graphql-upload-minimal';

/** An integer up to 2^53-1; GraphQL's own Int ends at 2 GiB. */
export const SafeInt = new GraphQLScalarType({
  ...GraphQLSafeInt.toConfig(),
  description: 'A whole number from -(2^53 - 1) to 2^53 - 1, sent as a JSON number. Numbers of bytes are of this type.',
});

/** RFC 3339 in UTC, with milliseconds. */
export const DateTime = new GraphQLScalarType({
  ...GraphQLDateTime.toConfig(),
  description: 'A moment as in RFC 3339, in UTC with milliseconds: `2026-01-31T12:00:00.000Z`.',
});

/** An absolute URL. */
export const AbsoluteUrl = new GraphQLScalarType({
  ...GraphQLURL.toConfig(),
  description: 'An absolute URL, as in RFC 3986.',
  // Our links are made whole; parsing each one again on its way out would be the dearest part of a list.
  serialize: String,
});

/**
 * A file of a multipart request. Its value is graphql-upload-minimal's {@link Upload} itself rather than the promise of the file that
 * GraphQLUpload gives: arguments that are promises are awaited together, and files arrive one after the other.
 */
export const UploadScalar = new GraphQLScalarType({
  ...GraphQLUpload.toConfig(),
  description:
    'A file, sent as the GraphQL multipart request specification says: a `multipart/form-data` request with the parts `operations`, `map`, and then the files, ' +
    'in the order in which the operation uses them. In `variables` stands `null` where the file belongs.',
  specifiedByURL: multipartSpecification(),
  parseValue: (value: unknown): Upload => {
    if (value instanceof Upload) return value;
    throw new GraphQLError(`A file must be a part of a multipart request, see ${multipartSpecification()}.`);
  },
  parseLiteral: (node: ValueNode): never => {
    throw new GraphQLError('A file cannot be written into the query: declare a variable of the type Upload.', { nodes: node });
  },
});

function multipartSpecification(): string {
  return 'https://github.com/jaydenseric/graphql-multipart-request-spec';
}
