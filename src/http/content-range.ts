// The doc comments here are line comments: the header's own `*` and `/` would end a block.

// What a PUT to an upload session says it carries.
// ask: no bytes, `bytes */SIZE` or `bytes */*`.
// bytes: those from `start` to `end` (exclusive; undefined runs to the end of the body). `isLast`: the file is whole with them.
export type PutRange =
  | { readonly what: 'ask'; readonly total: number | undefined }
  | { readonly what: 'bytes'; readonly start: number; readonly end: number | undefined; readonly total: number | undefined };

// Reads a request's Content-Range; undefined when it is none that makes sense. No header means the whole file.
export function readPutRange(header: string | undefined): PutRange | undefined {
  if (header === undefined) return { what: 'bytes', start: 0, end: undefined, total: undefined };
  const { query, start = '', last = '', total = '' } = pattern.exec(header.trim())?.groups ?? {};
  if (total === '') return undefined;
  const size = total === '*' ? undefined : Number(total);
  if (query !== undefined) return { what: 'ask', total: size };
  const end = last === '*' ? undefined : Number(last) + 1;
  if (end !== undefined && end <= Number(start)) return undefined;
  return { what: 'bytes', start: Number(start), end, total: size };
}

// At most 15 digits, so that every number is exact.
const pattern = /^bytes (?:(?<query>\*)|(?<start>\d{1,15})-(?<last>\d{1,15}|\*))\/(?<total>\d{1,15}|\*)$/;
