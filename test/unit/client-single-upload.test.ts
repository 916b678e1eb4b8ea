import { describe, expect, test } from '@jest/globals';
import { parse, print } from 'graphql';
import { singleUpload } from '../../src/client/single-upload.ts';

const file = new Blob(['x']);
const read = (query: string, variables: Record<string, unknown> = { file }) =>
  singleUpload({ document: parse(query), variables });
const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

describe('a mutation that uploads one file', () => {
  test('is completed by what it selects, on the type that it returns, with the variables that are used there', () => {
    const query = `
      mutation Add($file: Upload!, $title: String, $tags: [String!], $width: Int = 640, $life: Int) {
        photo: uploadImage(file: $file, title: $title, altText: "Waves", tags: $tags) {
          ...Facts
          rendition(width: $width) { url }
        }
      }
      fragment Facts on ImageAsset { id url(expiresIn: $life) }
    `;
    const single = read(query, { file, title: 'Sea', tags: ['a'], life: 60 });
    expect(single).toMatchObject({ kind: 'IMAGE', file, description: { title: 'Sea', altText: 'Waves', tags: ['a'] } });
    expect(single?.completion.variables).toEqual({ life: 60 });
    expect(inOneLine(print(single?.completion.document ?? parse('{ none }')))).toBe(
      inOneLine(`
        mutation Add($mediakeepUploadId: ID!, $width: Int = 640, $life: Int) {
          photo: completeUpload(id: $mediakeepUploadId) {
            ... on ImageAsset { ...Facts rendition(width: $width) { url } }
          }
        }
        fragment Facts on ImageAsset { id url(expiresIn: $life) }
      `),
    );
    expect(inOneLine(print(single?.withId ?? parse('{ none }')))).toContain('{ url } mediakeepUploadId: id }');
  });

  test('keeps its name in the answer when it has no alias, and takes defaults of variables', () => {
    const single = read('mutation ($file: Upload!, $title: String = "None") { uploadVideo(file: $file, title: $title) { id } }');
    expect(single).toMatchObject({ kind: 'VIDEO', description: { title: 'None', altText: undefined } });
    expect(inOneLine(print(single?.completion.document ?? parse('{ none }')))).toBe(
      'mutation ($mediakeepUploadId: ID!) { uploadVideo: completeUpload(id: $mediakeepUploadId) { ... on VideoAsset { id } } }',
    );
  });

  test.each([
    ['two uploads', 'mutation ($file: Upload!) { a: uploadImage(file: $file) { id } b: uploadImage(file: $file) { id } }'],
    ['another mutation', 'mutation ($file: Upload!) { other(file: $file) { id } }'],
    ['no selection', 'mutation ($file: Upload!) { uploadImage(file: $file) }'],
    ['a condition', 'mutation ($file: Upload!) { uploadImage(file: $file) @skip(if: false) { id } }'],
    ['a fragment', 'mutation ($file: Upload!) { ...Up } fragment Up on Mutation { uploadImage(file: $file) { id } }'],
    ['no file', 'mutation ($picture: Upload!) { uploadImage(file: $picture) { id } }'],
    ['more operations', 'mutation A($file: Upload!) { uploadImage(file: $file) { id } } query B { myUsage { count } }'],
  ])('is not one with %s, which is sent as it is', (_what, query) => {
    expect(read(query)).toBeUndefined();
  });
});
