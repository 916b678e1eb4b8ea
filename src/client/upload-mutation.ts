import { type DocumentNode, print } from 'graphql';
import { failureIn, type GraphqlAnswer, jsonOf } from './answer.ts';
import { type Connection, type ConnectionOptions, connect, withHeaders } from './connection.ts';
import { MediakeepError } from './errors.ts';
import type { Reply } from './exchange.ts';
import { type LiftedFile, withoutFiles } from './form.ts';
import type { ResumeStore } from './resume-store.ts';
import { callsOf, uploadBySession } from './session-upload.ts';
import { idName, type SingleUpload, singleUpload } from './single-upload.ts';
import { isLarge, type Upload, type UploadOptions, type UploadProgress, uploadOf } from './upload-options.ts';
import { sendWhole } from './whole-request.ts';

/** How a link or an exchange uploads. */
export interface UploaderOptions extends ConnectionOptions, Pick<UploadOptions, 'via' | 'sessionThresholdBytes'> {
  /** Keeps what is needed to go on with large uploads that were interrupted: run the same mutation with the same file. */
  readonly resume?: ResumeStore | undefined;
}

/** A mutation with files in its variables, as another client of GraphQL would send it. */
export interface UploadMutation {
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

/** Runs mutations that upload, as the SDK uploads. */
export type Uploader = (mutation: UploadMutation) => Promise<GraphqlAnswer>;

/** Whether there are files anywhere in these variables. */
export function hasFiles(variables: unknown): boolean {
  return filesIn(variables).length > 0;
}

function filesIn(variables: unknown): readonly LiftedFile[] {
  const files: LiftedFile[] = [];
  withoutFiles(variables, '', files);
  return files;
}

/**
 * Makes an uploader. It resolves with an answer of GraphQL, also when the server refuses, and rejects when none came (MediakeepError, NETWORK)
 * or with the signal's reason. A mutation that is one `uploadImage` or `uploadVideo` of a large file goes by a session; what it selects is
 * then selected from `completeUpload`.
 */
export function uploader(options: UploaderOptions): Uploader {
  const connection = connect(options);
  return async (mutation) => {
    try {
      return await runUpload(withHeaders(connection, mutation.headers), options, mutation);
    } catch (error) {
      if (!(error instanceof MediakeepError) || error.code === 'NETWORK') throw error;
      const { message, code, retryAfterSeconds: retryAfter } = error;
      return { data: null, errors: [{ message, extensions: { code, ...(retryAfter !== undefined && { retryAfter }) } }] };
    }
  };
}

async function runUpload(connection: Connection, options: UploaderOptions, mutation: UploadMutation): Promise<GraphqlAnswer> {
  const { onProgress, signal } = mutation;
  const single = singleUpload(mutation);
  const upload = single && uploadOf(single.file, { ...options, ...single.description, kind: single.kind, onProgress, signal });
  if (single === undefined || upload === undefined || !isLarge(upload)) return await sendAsItIs(connection, mutation, single);
  return await sendInChunks(connection, single, upload);
}

async function sendAsItIs(
  connection: Connection,
  { document, variables, onProgress, signal }: UploadMutation,
  single: SingleUpload | undefined,
): Promise<GraphqlAnswer> {
  const totalBytes = filesIn(variables).reduce((sum, { file }) => sum + file.size, 0);
  const query = print(single?.withId ?? document);
  const reply = await sendWhole(connection, { query, variables, totalBytes, onProgress, signal, idsIn });
  return answerIn(reply);
}

async function sendInChunks(connection: Connection, { completion }: SingleUpload, upload: Upload): Promise<GraphqlAnswer> {
  return await uploadBySession(connection, upload, {
    ...callsOf(connection),
    complete: async (id, signal) => {
      const variables = { ...completion.variables, [idName]: id };
      const reply = await connection.post({ query: print(completion.document), variables }, { signal });
      const failure = failureIn(reply);
      const answer = answerIn(reply);
      if (failure !== undefined && !answer.data) throw failure;
      return answer;
    },
  });
}

/** The answer, without what the mutation did not select. Throws what an answer that is not GraphQL's says. */
function answerIn(reply: Reply): GraphqlAnswer {
  const answer = jsonOf(reply) as GraphqlAnswer | undefined;
  const failure = failureIn(reply);
  if (answer === undefined || !('data' in answer || 'errors' in answer)) throw failure ?? new TypeError('The answer is empty');
  for (const value of Object.values(answer.data ?? {})) {
    if (typeof value === 'object' && value !== null) delete (value as Record<string, unknown>)[idName];
  }
  return answer;
}

function idsIn(reply: Reply): string[] {
  const answer = jsonOf(reply) as GraphqlAnswer | undefined;
  return Object.values(answer?.data ?? {}).flatMap((value) => {
    const id = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[idName] : undefined;
    return typeof id === 'string' ? [id] : [];
  });
}
