import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import {
  buildSchema,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { graphqlSchema, schemaText } from '../../src/graphql/schema.ts';

describe('the schema', () => {
  test('is the one in schema.graphql; `npm run generate` writes it', async () => {
    expect(schemaText(graphqlSchema())).toBe(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'));
  });

  test('is the same when it is built again', () => {
    expect(schemaText(graphqlSchema())).toBe(schemaText(graphqlSchema()));
  });

  test('has the names, types and defaults of the contract', () => {
    expect(fieldsOf(graphqlSchema())).toEqual(fieldsOf(buildSchema(contract)));
  });

  test('describes everything: types, fields, arguments, values', () => {
    expect(undescribed(graphqlSchema())).toEqual([]);
  });

  test('takes the operations of the client', async () => {
    const client = await readFile(new URL('../../src/client/generated.ts', import.meta.url), 'utf8');
    const documents = [...client.matchAll(/Document = .*new TypedDocumentString\(`([^`]+)`/g)].map(([, text = '']) => text);
    const folder = new URL('../../src/client/operations/', import.meta.url);
    const files = (await readdir(folder)).filter((name) => name.endsWith('.graphql'));
    const sources = await Promise.all(files.map((name) => readFile(new URL(name, folder), 'utf8')));
    expect(documents).toHaveLength(sources.filter((source) => /^(query|mutation) /m.test(source)).length);
    for (const document of documents) expect(validate(graphqlSchema(), parse(document))).toEqual([]);
  });
});

/** Section 3 of the contract, as far as it works. */
const contract = /* GraphQL */ `
  scalar Upload
  scalar DateTime
  scalar SafeInt
  scalar URL
  enum MediaKind { IMAGE VIDEO }
  enum MediaStatus { PROCESSING READY FAILED }
  enum ImageFit { INSIDE COVER CONTAIN }
  enum ImageFormat { AUTO WEBP AVIF JPEG PNG }
  type Rendition { url: URL! width: Int height: Int mimeType: String! }
  type Focus { x: Float! y: Float! }
  input FocusInput { x: Float! y: Float! }
  interface MediaAsset {
    id: ID! kind: MediaKind! status: MediaStatus! filename: String! mimeType: String! size: SafeInt! sha256: String!
    width: Int height: Int title: String altText: String tags: [String!]! url(expiresIn: Int = 3600): URL!
    createdAt: DateTime! updatedAt: DateTime!
  }
  type ImageAsset implements MediaAsset {
    id: ID! kind: MediaKind! status: MediaStatus! filename: String! mimeType: String! size: SafeInt! sha256: String!
    width: Int! height: Int! title: String altText: String tags: [String!]! url(expiresIn: Int = 3600): URL!
    createdAt: DateTime! updatedAt: DateTime!
    animated: Boolean! hasAlpha: Boolean! placeholder: String! dominantColor: String focus: Focus
    rendition(width: Int, height: Int, fit: ImageFit = INSIDE, format: ImageFormat = WEBP): Rendition!
    srcset(widths: [Int!], format: ImageFormat = WEBP): String!
  }
  type VideoAsset implements MediaAsset {
    id: ID! kind: MediaKind! status: MediaStatus! filename: String! mimeType: String! size: SafeInt! sha256: String!
    width: Int height: Int title: String altText: String tags: [String!]! url(expiresIn: Int = 3600): URL!
    createdAt: DateTime! updatedAt: DateTime!
    duration: Float videoCodec: String audioCodec: String frameRate: Float
  }
  type Query {
    myMedia(first: Int = 20, after: String, kind: MediaKind, status: MediaStatus, tag: String, search: String): MediaAssetConnection!
    media(id: ID!): MediaAsset
    myUsage: MediaUsage!
  }
  type Mutation {
    uploadImage(file: Upload!, title: String, altText: String, tags: [String!]): ImageAsset!
    uploadVideo(file: Upload!, title: String, altText: String, tags: [String!]): VideoAsset!
    updateMedia(id: ID!, input: UpdateMediaInput!): MediaAsset!
    deleteMedia(id: ID!): DeletedMedia!
    createUpload(input: CreateUploadInput!): DirectUpload!
    completeUpload(id: ID!): MediaAsset!
  }
  input CreateUploadInput { kind: MediaKind! filename: String! mimeType: String! size: SafeInt! title: String altText: String tags: [String!] }
  type DirectUpload { id: ID! url: URL! method: String! headers: [HttpHeader!]! chunkSize: Int! expiresAt: DateTime! }
  type HttpHeader { name: String! value: String! }
  input UpdateMediaInput { title: String altText: String tags: [String!] focus: FocusInput }
  type MediaAssetConnection { edges: [MediaAssetEdge!]! pageInfo: PageInfo! totalCount: Int! }
  type MediaAssetEdge { cursor: String! node: MediaAsset! }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type DeletedMedia { id: ID! purged: Boolean! }
  type MediaUsage { count: Int! bytes: SafeInt! quotaBytes: SafeInt }
`;

function typesOf(schema: GraphQLSchema) {
  return Object.values(schema.getTypeMap()).filter(
    ({ name }) => !name.startsWith('__') && !['Boolean', 'Float', 'ID', 'Int', 'String'].includes(name),
  );
}

/** `Type.field(argument: Type = default): Type`, one a line. */
function fieldsOf(schema: GraphQLSchema): string[] {
  const lines = typesOf(schema).flatMap((type) => {
    if (isEnumType(type)) return type.getValues().map(({ name }) => `${type.name}.${name}`);
    if (isInputObjectType(type))
      return Object.values(type.getFields()).map((field) => `${type.name}.${field.name}: ${field.type} = ${field.defaultValue}`);
    if (!isObjectType(type) && !isInterfaceType(type)) return [`scalar ${type.name}`];
    const implemented = type.getInterfaces().map(({ name }) => `${type.name} implements ${name}`);
    const fields = Object.values(type.getFields()).map(({ name, args, type: result }) => {
      const written = args.map((argument) => `${argument.name}: ${argument.type} = ${argument.defaultValue}`).sort();
      return `${type.name}.${name}(${written.join(', ')}): ${result}`;
    });
    return [...implemented, ...fields];
  });
  return lines.sort();
}

function undescribed(schema: GraphQLSchema): string[] {
  return typesOf(schema).flatMap((type) => {
    const parts: { name: string; description?: string | null | undefined }[] = [type];
    if (isEnumType(type)) parts.push(...type.getValues());
    if (isInputObjectType(type)) parts.push(...Object.values(type.getFields()));
    if (isObjectType(type) || isInterfaceType(type))
      parts.push(...Object.values(type.getFields()).flatMap((field) => [field, ...field.args]));
    return parts.filter(({ description }) => !description).map(({ name }) => `${type.name}.${name}`);
  });
}
