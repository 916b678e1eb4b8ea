import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import { crc32c } from '@node-rs/crc32';
import express from 'express';
import { type FileUpload, GraphQLUpload, graphqlUploadExpress } from 'graphql-upload-minimal';
import { Pool } from 'pg';
import sharp from 'sharp';

/*
 * The floor: the least a GraphQL server can do for an upload and a list and still have done it. The usual parts, plainly joined; no
 * sign-in, no limits, no cleaning up, no fsync. A process of its own, told by its environment where to listen, write and insert. Node strips
 * the types, so only erasable TypeScript here.
 */

const { PORT, FILES_DIR, DATABASE_URL } = process.env;
if (PORT === undefined || FILES_DIR === undefined || DATABASE_URL === undefined) {
  throw new Error('The floor is started by test/bench/main.ts.');
}
const filesDir = FILES_DIR;
const pool = new Pool({ connectionString: DATABASE_URL });
await pool.query(`create table if not exists media (
  id uuid primary key, kind text not null, filename text not null, mime_type text not null, size bigint not null, sha256 text not null,
  crc32c bigint not null, width int, height int, title text, alt_text text, tags text[] not null default '{}', owner_id text not null,
  created_at timestamptz(3) not null default now(), updated_at timestamptz(3) not null default now())`);
await pool.query('create index if not exists newest_first on media (owner_id, created_at desc, id desc)');

const typeDefs = `
  scalar Upload
  scalar DateTime
  scalar SafeInt
  type MediaAsset {
    id: ID! kind: String! filename: String! mimeType: String! size: SafeInt! sha256: String! width: Int height: Int
    title: String altText: String tags: [String!]! createdAt: DateTime! updatedAt: DateTime!
  }
  type MediaAssetEdge { node: MediaAsset! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type MediaAssetConnection { edges: [MediaAssetEdge!]! pageInfo: PageInfo! }
  type Query { myMedia(first: Int = 20): MediaAssetConnection! }
  type Mutation { uploadImage(file: Upload!): MediaAsset! uploadVideo(file: Upload!): MediaAsset! }
`;

const resolvers = {
  Upload: GraphQLUpload,
  Query: { myMedia: (_root: unknown, { first }: { first: number }) => page(first) },
  Mutation: {
    uploadImage: async (_root: unknown, { file }: { file: Promise<FileUpload> }) => {
      const stored = await store(await file);
      // A JPEG's 1/8 decode still reads every coefficient: it proves the picture whole.
      await sharp(stored.path).resize(100, 100, { fit: 'inside' }).raw().toBuffer();
      return await insert('IMAGE', stored);
    },
    uploadVideo: async (_root: unknown, { file }: { file: Promise<FileUpload> }) =>
      await insert('VIDEO', await store(await file)),
  },
};

interface StoredFile {
  readonly id: string;
  readonly path: string;
  readonly filename: string;
  readonly mimeType: string;
  readonly size: number;
  readonly sha256: string;
  readonly crc32c: number;
}

async function store({ filename, mimetype, createReadStream }: FileUpload): Promise<StoredFile> {
  const id = randomUUID();
  const path = join(filesDir, id);
  const hash = createHash('sha256');
  let size = 0;
  let checksum = 0;
  const stream: Readable = createReadStream();
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    hash.update(chunk);
    checksum = crc32c(chunk, checksum);
  });
  await pipeline(stream, createWriteStream(path));
  return { id, path, filename, mimeType: mimetype, size, sha256: hash.digest('hex'), crc32c: checksum };
}

async function insert(kind: string, file: StoredFile) {
  await pool.query({
    name: 'insert',
    text: `insert into media (id, kind, filename, mime_type, size, sha256, crc32c, owner_id) values ($1, $2, $3, $4, $5, $6, $7, 'bench')`,
    values: [file.id, kind, file.filename, file.mimeType, file.size, file.sha256, file.crc32c],
  });
  return { ...file, kind, tags: [] };
}

async function page(first: number) {
  const { rows } = await pool.query<{ id: string }>({
    name: 'page',
    text: `select id, kind, filename, mime_type as "mimeType", size::float8, sha256, width, height, title, alt_text as "altText", tags,
      created_at as "createdAt", updated_at as "updatedAt" from media where owner_id = $1 order by created_at desc, id desc limit $2`,
    values: ['bench', first + 1],
  });
  const edges = rows.slice(0, first).map((node) => ({ node }));
  return { edges, pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.node.id ?? null } };
}

const apollo = new ApolloServer({ typeDefs, resolvers, stopOnTerminationSignals: false });
await apollo.start();
const app = express();
app.use('/graphql', express.json(), graphqlUploadExpress(), expressMiddleware(apollo));
app.get('/readyz', (_request, response) => {
  response.json({ status: 'ok' });
});
app.listen(Number(PORT), '127.0.0.1');

process.once('SIGTERM', () => process.exit(0));
