// The doc comments here are line comments: the header's own `*` and `/` would end a block.

// What a request to a session URI says it carries.
// query: no bytes, `bytes */*` or `bytes */N`; `total` undefined stands for `*`.
// data: bytes from `start`; `end` (exclusive) undefined runs to the end of the body.
export type ContentRange =
  | { kind: 'query'; total: number | undefined }
  | { kind: 'data'; start: number; end: number | undefined; total: number | undefined };

// Reads a request's Content-Range; undefined when it is malformed (`bytes 0--1/0`, `*/*` without its unit).
// No header means the whole object in one request. `bytes A-*/N`, which Google's Node client sends, runs to the end of the body.
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  if (header === undefined) return { kind: 'data', start: 0, end: undefined, total: undefined };
  const [, query, start, last, total] = PATTERN.exec(header) ?? [];
  if (total === undefined) return undefined;
  if (query === '*') return { kind: 'query', total: readTotal(total) };
  const end = last === '*' ? undefined : Number(last) + 1;
  if (end !== undefined && end <= Number(start)) return undefined;
  return { kind: 'data', start: Number(start), end, total: readTotal(total) };
}

const PATTERN = /^bytes (?:(\*)|(\d+)-(\d+|\*))\/(\d+|\*)$/;

function readTotal(text: string): number | undefined {
  return text === '*' ? undefined : Number(text);
}
