import type { Readable } from 'node:stream';
import type { OperationDefinitionNode } from 'graphql';
import type { FileUpload, Upload } from 'graphql-upload-minimal';
import { MediakeepError } from '../errors.ts';
import { type UploadMap, variableOf } from './upload-map.ts';

/** The stream of a file in a form, as busboy makes it. */
export type FilePart = Readable;

/** A file that has begun to arrive. */
export interface ArrivedFile {
  /** As the client sent it. */
  readonly filename: string | undefined;
  readonly source: Readable;
}

/**
 * The files of one multipart request. They come one after the other, and the next comes when the one before has been read. So each is either
 * read by the field that asks for it, or drained because no variable of the operation holds it, or the request is refused because a field
 * asks for a later one first. Nothing waits for what cannot come.
 */
export class UploadForm {
  #map: UploadMap = new Map();
  readonly #seen = new Set<string>();
  readonly #used = new Set<Upload>();
  /** Files that have begun to arrive and nobody has asked for yet. */
  #unasked: { partName: string; stream: FilePart }[] = [];
  #declared: ReadonlySet<string> | undefined;
  #onArrival: (() => void) | undefined;
  #giveUp: () => void = () => undefined;

  /** The checked `map` of the form. */
  expect(map: UploadMap): void {
    this.#map = map;
  }

  /** What to do when a file was left unread, so that none can come any more: the rest of the body is to be drained. */
  onGivenUp(giveUp: () => void): void {
    this.#giveUp = giveUp;
  }

  /** A file begins to arrive. */
  arrived(partName: string, stream: FilePart): void {
    if (this.#seen.has(partName) || !this.#belongs(partName)) return drain(stream);
    this.#seen.add(partName);
    this.#unasked.push({ partName, stream });
    this.#onArrival?.();
  }

  /**
   * Waits for the file, and hands it to `work`, which reads it to its end or destroys it. BAD_USER_INPUT when the file is not there, is used
   * twice, comes after one that is needed later, or is cut short.
   */
  async use<T>(upload: Upload, operation: OperationDefinitionNode, work: (file: ArrivedFile) => Promise<T>): Promise<T> {
    this.#declare(operation);
    if (this.#used.has(upload)) throw badFile('A file can be used once: send it again for the second use.');
    this.#used.add(upload);
    const file = await this.#next(upload);
    const source = this.#open(file);
    try {
      return await work({ filename: file.filename, source });
    } catch (error) {
      // Nobody but the client ends a file early, and what is ours says so itself.
      throw error instanceof MediakeepError || source.errored === null ? error : cutShort(error);
    }
  }

  /** Only now is it known which variables the operation has; what belongs to others is never asked for. */
  #declare(operation: OperationDefinitionNode): void {
    this.#declared ??= new Set(operation.variableDefinitions?.map(({ variable }) => variable.name.value));
    const dropped = this.#unasked.filter(({ partName }) => !this.#belongs(partName));
    this.#unasked = this.#unasked.filter(({ partName }) => this.#belongs(partName));
    for (const { stream } of dropped) drain(stream);
  }

  #belongs(partName: string): boolean {
    const paths = this.#map.get(partName) ?? [];
    return paths.some((path) => this.#declared?.has(variableOf(path)) ?? true);
  }

  /** The file of `upload`, unless another one that the operation needs later stands in its way. */
  async #next(upload: Upload): Promise<FileUpload> {
    const refused = Promise.withResolvers<never>();
    this.#onArrival = () => {
      const [first] = this.#unasked;
      if (first !== undefined && first.partName !== upload.file?.fieldName) {
        refused.reject(badFile('The files come in another order than the operation uses them. Send them in the order of use.'));
      }
    };
    this.#onArrival();
    try {
      return await Promise.race([refused.promise, upload.promise.catch((error: unknown) => Promise.reject(missing(error)))]);
    } finally {
      this.#onArrival = undefined;
    }
  }

  #open(file: FileUpload): Readable {
    this.#unasked = this.#unasked.filter(({ partName }) => partName !== file.fieldName);
    try {
      const source = file.createReadStream();
      // A file that is left unread would hold up the parser for ever, and with it a client that reads no answer before it has sent all.
      source.once('close', () => {
        if (!source.readableEnded) this.#giveUp();
      });
      return source;
    } catch (error) {
      throw cutShort(error);
    }
  }
}

function drain(stream: FilePart): void {
  stream.on('error', () => undefined).resume();
}

function missing(error: unknown): MediakeepError {
  return badFile('A file that `map` names is missing in the request, or the request was cut short.', error);
}

function cutShort(error: unknown): MediakeepError {
  return badFile('The request ended before the file did.', error);
}

function badFile(message: string, cause?: unknown): MediakeepError {
  return new MediakeepError('BAD_USER_INPUT', message, cause === undefined ? {} : { cause });
}
