import fastifyStatic from '@fastify/static';
import fastify from 'fastify';

/*
 * What a cached rendition is held against: Fastify serving a file of the same size from a folder. A process of its own, told by its environment
 * where to listen and what to serve.
 */

const { PORT, FILES_DIR } = process.env;
if (PORT === undefined || FILES_DIR === undefined) throw new Error('This server is started by test/bench/images.ts.');
const server = fastify();
await server.register(fastifyStatic, { root: FILES_DIR, immutable: true, maxAge: '1d' });
server.get('/readyz', async () => ({ status: 'ok' }));
await server.listen({ host: '127.0.0.1', port: Number(PORT) });

process.once('SIGTERM', () => process.exit(0));
