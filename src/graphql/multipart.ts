import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { type GraphQLOperation, processRequest } from 'graphql-upload-minimal';
import { MediakeepError } from '../errors.ts';
import { type FilePart, UploadForm } from './upload-form.ts';
import { checkedMap, checkedOperations } from './upload-map.ts';

/** What bounds a multipart request; files are metered by the library, whose limit depends on their kind. */
export interface FormLimits {
  /** Most files of one request. */
  readonly maxFiles: number;
  /** Most bytes of `operations` and of `map`. */
  readonly maxFieldBytes: number;
}

/** A multipart request whose `operations` and `map` have arrived; its files are still on their way. */
export interface ArrivingForm {
  readonly operation: GraphQLOperation;
  readonly form: UploadForm;
}

/**
 * Reads a multipart request up to its files, with graphql-upload-minimal. BAD_USER_INPUT when it is none, or a batch.
 * No size limit is set there: at the limit the library cuts a file short silently, or hangs.
 */
export async function readForm(request: IncomingMessage, response: ServerResponse, limits: FormLimits): Promise<ArrivingForm> {
  const form = new UploadForm();
  const options = { maxFiles: limits.maxFiles, maxFieldSize: limits.maxFieldBytes };
  try {
    const operation = await processRequest(watched(request, form, limits), response, options);
    if (Array.isArray(operation)) throw new MediakeepError('BAD_USER_INPUT', 'A request holds one operation, not a list.');
    return { operation, form };
  } catch (error) {
    throw asBadForm(error);
  }
}

/**
 * The request as graphql-upload-minimal sees it. Through `pipe` we learn its parser, and stand in front of and behind its listeners:
 * - before it walks the paths of `map`, for it would follow `variables.toString.call` into Object.prototype and write there;
 * - after it has taken notice of a file, to tell in which order the files come;
 * - on errors, because it listens to the first one only, and a malformed part header makes two: the second would end the process.
 */
function watched(request: IncomingMessage, form: UploadForm, limits: FormLimits): IncomingMessage {
  const seen = {
    headers: { ...request.headers, 'content-type': spelledForLibrary(request.headers['content-type']) },
    get readableEnded(): boolean {
      return request.readableEnded;
    },
    once: request.once.bind(request),
    resume: request.resume.bind(request),
    unpipe: request.unpipe.bind(request),
    pipe: (parser: Writable): void => {
      parser.on('error', () => undefined);
      endWithOpenFile(parser);
      checkFields(parser, form, limits);
      parser.on('file', (partName: string, stream: FilePart) => form.arrived(partName, stream));
      form.onGivenUp(() => {
        request.unpipe(parser);
        request.resume();
        parser.destroy();
      });
      request.pipe(parser);
    },
  };
  // Exactly the members that processRequest uses.
  return seen as unknown as IncomingMessage;
}

/** Types are written in any case and with spaces (RFC 9110 8.3.1); the library looks for one spelling. */
function spelledForLibrary(contentType: string | undefined): string | undefined {
  return contentType?.replace(/^\s*multipart\/form-data\s*;/i, 'multipart/form-data;');
}

/**
 * busboy would wait for ever for the end of a file that begins behind the form's closing boundary, where nothing should be. (Its `_final` knows
 * the form as complete by then, and the file as open.) Such a form is one that ends in the middle of its file. The other door has the same.
 */
function endWithOpenFile(parser: Writable): void {
  const open = new Set<Readable>();
  parser.prependListener('file', (_name: string, file: Readable) => {
    open.add(file);
    const push = file.push.bind(file);
    file.push = (chunk, encoding) => {
      if (chunk === null) open.delete(file);
      return push(chunk, encoding);
    };
  });
  const final = parser._final?.bind(parser);
  parser._final = (done) => (open.size > 0 ? done(new Error('Unexpected end of form')) : (final ?? ((over) => over()))(done));
}

/** Puts our checks of `operations` and `map` in front of the library's listener, which gets them only when they pass. */
function checkFields(parser: Writable, form: UploadForm, limits: FormLimits): void {
  const listeners = parser.listeners('field');
  let operations: object | undefined;
  const check = (name: string, value: string): string => {
    if (name === 'operations') operations = checkedOperations(value);
    if (name !== 'map' || operations === undefined) return value;
    const map = checkedMap(value, operations, limits.maxFiles);
    form.expect(map);
    return JSON.stringify(Object.fromEntries(map));
  };
  parser.removeAllListeners('field').on('field', (name: string, value: string, info: { valueTruncated: boolean }) => {
    try {
      const checked = info.valueTruncated ? value : check(name, value);
      for (const listener of listeners) listener.call(parser, name, checked, info);
    } catch (error) {
      // What is left of the packet is still parsed: without this, the library would complain of that first.
      parser.removeAllListeners('field').removeAllListeners('file');
      parser.destroy(asBadForm(error));
    }
  });
}

/** The library's own words where they are meant for the sender (they carry a 4xx status), and ours for a parser that gave up. */
function asBadForm(error: unknown): MediakeepError {
  if (error instanceof MediakeepError) return error;
  const meant = error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 499;
  const message = meant
    ? error.message
    : 'The form is cut short, or not one that the GraphQL multipart request specification describes.';
  return new MediakeepError('BAD_USER_INPUT', message, { cause: error });
}
