import { writeFileSync } from 'node:fs';
import { graphqlSchema, schemaText } from './schema.ts';

writeFileSync(new URL('../../schema.graphql', import.meta.url), schemaText(graphqlSchema()));
