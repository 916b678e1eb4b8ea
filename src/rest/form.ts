import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import busboy, { type Busboy } from 'busboy';
import { MediakeepError } from '../errors.ts';
import { FormFields } from './form-fields.ts';

/** A form whose file has begun to arrive. */
export interface FileForm {
  readonly fields: FormFields;
  readonly filename: string;
  /** The file's bytes, once. Fails with BAD_USER_INPUT when the form breaks off in it; a file that has arrived whole is whole whatever follows. */
  readonly file: Readable;
  /** Lets go of the request, read or not. Call it when the file is dealt with. */
  close(): void;
}

/**
 * Reads a `multipart/form-data` body up to its file: the fields, then the part `file`. BAD_USER_INPUT for anything else, at once.
 * What follows the file is ignored. Never waits longer than the client sends: a connection that goes silent is the server's to cut.
 */
export function readForm(request: IncomingMessage): Promise<FileForm> {
  const parser = createParser(request.headers);
  return new Promise((resolve, reject) => new FormReader(request, parser, { resolve, reject }));
}

/** Most bytes before the file: fifty tags of 64 characters in every notation are a tenth of it. */
const maxBytesBeforeFile = 256 * 1024;

/** busboy's buffers, in bytes: the parser is fed by 64 KiB reads of the socket; fewer, larger buffers between it and the storage cost less CPU. */
const bufferBytes = 64 * 1024;

function createParser(headers: IncomingHttpHeaders): Busboy {
  // busboy would take a urlencoded form as well, in which no file can be.
  if (!/^multipart\/form-data\b/i.test(headers['content-type'] ?? '')) {
    throw bad('Send the file as `multipart/form-data`, in a part named `file`.');
  }
  try {
    return busboy({
      headers,
      defParamCharset: 'utf8',
      // Names are cleaned where they are kept; of `..` busboy would leave nothing.
      preservePath: true,
      highWaterMark: bufferBytes,
      fileHwm: bufferBytes,
      limits: { files: 1, fields: 200, fieldSize: 32 * 1024 },
    });
  } catch (error) {
    throw bad('The Content-Type of the form has no valid boundary.', error);
  }
}

/**
 * Feeds the parser by hand instead of piping: it must be possible to stop at any byte and leave the rest to whoever answers.
 * A parser whose file was destroyed never asks for more, so waiting for it would be for ever.
 */
class FormReader {
  readonly #request: IncomingMessage;
  readonly #parser: Busboy;
  readonly #settle: { resolve: (form: FileForm) => void; reject: (error: MediakeepError) => void };
  readonly #fields = new FormFields();
  #file: Readable | undefined;
  #bytesBeforeFile = 0;

  constructor(
    request: IncomingMessage,
    parser: Busboy,
    settle: { resolve: (form: FileForm) => void; reject: (error: MediakeepError) => void },
  ) {
    this.#request = request;
    this.#parser = parser;
    this.#settle = settle;
    endWithOpenFile(parser);
    parser
      .on('field', (name, value, info) => {
        // Of what follows the file, as much has been parsed by now as came in the same packets: that must not decide.
        if (this.#file === undefined) this.#attempt(() => this.#fields.take(name, value, info));
      })
      .on('file', (name, file, info) => this.#begin(name, file, info.filename))
      .on('fieldsLimit', () => this.#fail(bad('The form has too many fields.')))
      .on('error', (error) => this.#fail(bad('The form is damaged or ends too early.', error)))
      .on('finish', () => this.#fail(bad('The form has no file: send it in a part named `file`.')))
      .on('drain', () => request.resume());
    request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
    // An early look at a request that died while its user was being looked up.
    if (request.destroyed) this.#onClose();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#parser.write(chunk)) this.#request.pause();
    if (this.#file !== undefined) return;
    this.#bytesBeforeFile += chunk.length;
    if (this.#bytesBeforeFile > maxBytesBeforeFile)
      this.#fail(bad('The form has too much before its file: a part named `file` must come early.'));
  };

  readonly #onEnd = (): void => {
    this.#parser.end();
  };

  /** The client left: nobody will read this, but the upload must know. */
  readonly #onClose = (): void => {
    if (!this.#request.readableEnded) this.#fail(bad('The connection was lost before the whole file had arrived.'));
  };

  #begin(name: string, file: Readable, filename: string | undefined): void {
    describeFailure(file);
    if (name !== 'file') return this.#fail(bad('The file must be in the part named `file`.'));
    if (!filename) return this.#fail(bad('The part `file` has no filename, so it is not a file.'));
    this.#file = file;
    this.#settle.resolve({ fields: this.#fields, filename, file, close: () => this.#detach() });
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof MediakeepError)) throw error;
      this.#fail(error);
    }
  }

  /** Whichever fails first counts; a file that has arrived whole is not touched. */
  #fail(error: MediakeepError): void {
    this.#detach();
    this.#settle.reject(error);
  }

  /** Destroying the parser destroys a file it is still filling, and no other. */
  #detach(): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).pause();
    this.#parser.removeAllListeners().on('error', () => undefined);
    this.#parser.destroy();
  }
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

/**
 * Whoever reads the file is told in our words why it broke off; busboy's are for developers. In `destroy`, not in `_destroy`: whoever comes late
 * asks `errored`, which holds what `destroy` was given.
 */
function describeFailure(file: Readable): void {
  const destroy = file.destroy.bind(file);
  file.destroy = (error) =>
    destroy(!error || error instanceof MediakeepError ? error : bad('The form ends in the middle of its file.', error));
  // It may fail before anybody listens.
  file.on('error', () => undefined);
}

function bad(message: string, cause?: unknown): MediakeepError {
  return new MediakeepError('BAD_USER_INPUT', message, cause === undefined ? {} : { cause });
}
