import 'reflect-metadata';
import { GraphQLInterfaceType, type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import type { MediaAsset, MediaKind } from '../media/media-asset.ts';
import { DirectUploadResolver } from './direct-resolver.ts';
import { ImageResolver } from './image-resolver.ts';
import { LinkResolver, MediaResolver } from './resolvers.ts';

/** The executable schema, made of the decorated classes, with what TypeGraphQL has no decorator for. */
export function graphqlSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [MediaResolver, DirectUploadResolver, LinkResolver, ImageResolver],
    validate: false,
  });
  const mediaAsset = schema.getType('MediaAsset');
  const [query, mutation] = [schema.getQueryType(), schema.getMutationType()];
  if (!(mediaAsset instanceof GraphQLInterfaceType) || !query || !mutation) throw new Error('The schema is not whole');
  // TypeGraphQL would ask `instanceof` its own classes, or wrap a function of ours into a promise for every item of a list.
  mediaAsset.resolveType = (asset: MediaAsset): string => typeNames[asset.kind];
  query.description = `What can be asked. ${signedIn}`;
  mutation.description = `What can be done; several run one after the other. ${staysDone} ${signedIn}`;
  return schema;
}

/** The schema as text, sorted, so that it changes only when the contract does: the file `schema.graphql`. */
export function schemaText(schema: GraphQLSchema): string {
  return `# Made by \`npm run generate\` from src/graphql. Do not edit.\n\n${printSchema(lexicographicSortSchema(schema))}\n`;
}

const typeNames: Readonly<Record<MediaKind, string>> = { IMAGE: 'ImageAsset', VIDEO: 'VideoAsset' };

const staysDone =
  'When one fails, those before it stay done, although `data` is null then: send one upload in a request, or look with `myMedia` what is there.';

const signedIn =
  'Every field needs a signed-in user (`Authorization: Bearer ...`), who sees and touches only their own media: ' +
  "somebody else's id answers exactly as one that does not exist. Errors carry a code in `extensions.code`.";
