import SwaggerParser from '@apidevtools/swagger-parser';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyPluginAsync } from 'fastify';
import { errorTable } from '../../src/errors.ts';
import { restDoor } from '../../src/rest/door.ts';
import { formBytes, formType } from '../support/forms.ts';
import { authenticateByName, type ListeningServer, listening } from '../support/http.ts';
import { memoryLibrary, mp4Of, pngOf } from '../support/memory.ts';

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
  requestBody?: {
    content: Record<
      string,
      { encoding: unknown; schema: { required: string[]; properties: Record<string, Record<string, unknown>> } }
    >;
  };
}

interface Document {
  openapi: string;
  security: unknown;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { required: string[]; properties: Record<string, unknown> }>; securitySchemes: unknown };
}

const other: FastifyPluginAsync = async (scope) => {
  scope.get('/elsewhere', async () => ({}));
};

let server: ListeningServer;
let document: Document;

beforeAll(async () => {
  const { library } = memoryLibrary();
  server = await listening({
    doors: [other, restDoor({ library, authenticate: authenticateByName, baseUrl: () => server.url })],
  });
  document = (await (await fetch(`${server.url}/api/v1/openapi.json`)).json()) as Document;
});

afterAll(() => server.server.close({ graceSeconds: 0 }));

const ofImage = () => document.components.schemas.ImageAsset;
const ofVideo = () => document.components.schemas.VideoAsset;

describe('the OpenAPI document', () => {
  test('is valid 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    const copy = JSON.parse(JSON.stringify(document)) as Parameters<typeof SwaggerParser.validate>[0];
    await expect(SwaggerParser.validate(copy)).resolves.toBeDefined();
  });

  test('has every REST operation and nothing else', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'delete /api/v1/media/{id}',
      'get /api/v1/media/',
      'get /api/v1/media/{id}',
      'get /api/v1/media/{id}/content',
      'get /api/v1/media/{id}/rendition',
      'patch /api/v1/media/{id}',
      'post /api/v1/media/upload/image',
      'post /api/v1/media/upload/video',
      'post /api/v1/media/uploads',
      'post /api/v1/media/uploads/{id}/complete',
    ]);
  });

  test('gives each a name, a summary and problems of known statuses', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(10);
    const statuses = new Set(Object.values(errorTable).map(({ status }) => String(status)));
    for (const { summary, tags, responses } of operations) {
      expect(summary).toBeTruthy();
      expect(tags).toEqual(['Media']);
      for (const status of ['401', '429', '500', '503']) expect(responses).toHaveProperty(status);
      for (const [status, { content, description }] of Object.entries(responses)) {
        expect(description).not.toBe('Default Response');
        if (status < '400') continue;
        expect(statuses).toContain(status);
        expect(content?.['application/problem+json']?.schema).toEqual({ $ref: '#/components/schemas/Problem' });
      }
    }
  });

  test('describes an upload with its file last and binary', () => {
    const form = document.paths['/api/v1/media/upload/image']?.post?.requestBody?.content['multipart/form-data']?.schema;
    expect(Object.keys(form?.properties ?? {})).toEqual(['title', 'altText', 'tags', 'file']);
    expect(form?.required).toEqual(['file']);
    expect(form?.properties.file).toMatchObject({ type: 'string', format: 'binary' });
  });

  test('says that every tag is a part of its own', () => {
    const body = document.paths['/api/v1/media/upload/video']?.post?.requestBody;
    expect(body?.content['multipart/form-data']?.encoding).toEqual({ tags: { style: 'form', explode: true } });
  });

  test('asks for a bearer token', () => {
    expect(document.security).toEqual([{ bearer: [] }]);
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
  });

  test.each([
    ['image', () => pngOf(100), ofImage],
    ['video', () => mp4Of(100), ofVideo],
  ] as const)('names exactly the fields that an %s has, all of them required', async (kind, bytes, schema) => {
    const headers = { authorization: 'Bearer anna', 'content-type': formType };
    const body = new Uint8Array(formBytes({ name: 'file', filename: 'a', value: bytes() }));
    const answer = await fetch(`${server.url}/api/v1/media/upload/${kind}`, { method: 'POST', headers, body });
    const fields = Object.keys((await answer.json()) as object).sort();
    expect(fields).toEqual(Object.keys(schema()?.properties ?? {}).sort());
    expect(fields).toEqual([...(schema()?.required ?? [])].sort());
  });
});

describe('the page to try it', () => {
  test('loads everything from this server', async () => {
    const page = await fetch(`${server.url}/api/v1/docs`);
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    expect(addresses.length).toBeGreaterThan(4);
    for (const address of addresses) {
      const part = await fetch(new URL(address, `${server.url}/api/v1/docs`));
      expect(part.status).toBe(200);
      expect(new URL(part.url).origin).toBe(server.url);
    }
    expect(html).not.toMatch(/<script(?![^>]*src=)/);
  });

  test('reads this document', async () => {
    expect(await (await fetch(`${server.url}/api/v1/docs/json`)).json()).toEqual(document);
  });
});
