import { writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';
import { restDoor } from '../../src/rest/door.ts';
import { authenticateByName, type ListeningServer, listening } from '../support/http.ts';
import { memoryLibrary } from '../support/memory.ts';

/*
 * npm run generate:openapi: the types of examples/openapi-types.ts, out of the document that the REST door serves.
 */

const { library } = memoryLibrary();
const server: ListeningServer = await listening({
  doors: [restDoor({ library, authenticate: authenticateByName, baseUrl: () => server.url })],
});
const file = ts.factory.createTypeReferenceNode('Blob');
// Its documentation's own way to files: a part of bytes is a Blob, not a string.
const transform = ({ format }: { format?: string }): ts.TypeNode | undefined => (format === 'binary' ? file : undefined);
const types = astToString(await openapiTS(new URL('/api/v1/openapi.json', server.url), { transform }));
await writeFile(new URL('../../examples/openapi-types.ts', import.meta.url), `// Made by npm run generate:openapi.\n\n${types}`);
await server.server.close({ graceSeconds: 0 });
