import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Call, formBody, graphqlBody, send, sendEach } from './load.ts';
import type { Sample } from './samples.ts';
import type { StagedServer } from './stage.ts';

/** An operation of the GraphQL door. */
export function graphqlCall(server: StagedServer, query: string, variables: Record<string, unknown> = {}): Call {
  return { method: 'POST', url: `${server.url}/graphql`, headers: server.headers, body: graphqlBody(query, variables) };
}

/** An upload by the GraphQL multipart request specification; the floor understands it as well. */
export function graphqlUpload(server: StagedServer, kind: 'image' | 'video', sample: Sample): Call {
  const field = kind === 'image' ? 'uploadImage' : 'uploadVideo';
  const query = `mutation ($file: Upload!) { ${field}(file: $file) { id filename mimeType size sha256 } }`;
  const fields = {
    operations: JSON.stringify({ query, variables: { file: null } }),
    map: JSON.stringify({ 0: ['variables.file'] }),
  };
  return {
    method: 'POST',
    url: `${server.url}/graphql`,
    headers: server.headers,
    body: formBody(fields, { ...sample, name: '0' }),
  };
}

/** An upload to the REST door. */
export function restUpload(server: StagedServer, kind: 'image' | 'video', sample: Sample): Call {
  const url = `${server.url}/api/v1/media/upload/${kind}`;
  return { method: 'POST', url, headers: server.headers, body: formBody({}, { ...sample, name: 'file' }) };
}

/** Reads the answers to uploads of `sample`, whichever door they came from; throws unless each tells an id and the sample's own sha256. */
export function uploadedIds(answers: readonly string[], sample: Sample): string[] {
  return answers.map((answer) => {
    const [, id] = /"id":"([0-9a-f-]{36})"/.exec(answer) ?? [];
    if (id !== undefined && answer.includes(`"sha256":"${sample.sha256}"`)) return id;
    throw new Error(`An upload of ${sample.filename} was not kept whole: ${answer.slice(0, 500)}`);
  });
}

/** Deletes uploads of ours, as their owner would. */
export async function deleteFromOurs(ours: StagedServer, ids: readonly string[]): Promise<void> {
  const calls = ids.map((id): Call => ({ method: 'DELETE', url: `${ours.url}/api/v1/media/${id}`, headers: ours.headers }));
  await sendEach(calls, 4);
}

/** Deletes the floor's files behind its back: it knows no deletion, and needs none to be compared with. */
export async function deleteFromFloor(floor: StagedServer): Promise<void> {
  for (const name of await readdir(floor.filesDir)) await rm(join(floor.filesDir, name));
}

/** Links to WebP renditions of an image, of these widths. */
export async function linksTo(server: StagedServer, id: string, sizes: readonly number[]): Promise<string[]> {
  const fields = sizes.map((width) => `w${width}: rendition(width: ${width}) { url }`).join(' ');
  const call = graphqlCall(server, `query ($id: ID!) { media(id: $id) { ... on ImageAsset { ${fields} } } }`, { id });
  const [answer = ''] = await send(call);
  return Array.from(answer.matchAll(/"url":"([^"]+)"/g), ([, url = '']) => url);
}
