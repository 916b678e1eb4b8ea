import { dataOf, jsonOf } from './answer.ts';
import { type Asset, assetOf } from './assets.ts';
import type { Connection } from './connection.ts';
import type { Reply } from './exchange.ts';
import { UploadImageDocument, type UploadImageMutation, UploadVideoDocument, type UploadVideoMutation } from './generated.ts';
import type { Upload } from './upload-options.ts';
import { sendWhole } from './whole-request.ts';

/** Uploads by one request. When the signal aborts nothing is left on the server. */
export async function uploadWhole(connection: Connection, upload: Upload): Promise<Asset> {
  const { file, kind, filename, title, altText, tags, onProgress, signal, retry } = upload;
  const reply = await sendWhole(connection, {
    query: String(kind === 'IMAGE' ? UploadImageDocument : UploadVideoDocument),
    variables: { file: named(file, filename), title, altText, tags },
    totalBytes: file.size,
    onProgress,
    signal,
    retry,
    idsIn,
  });
  return assetIn(dataOf(reply));
}

/** The file under the name that it shall have. */
function named(file: Blob, filename: string): Blob {
  return 'name' in file && file.name === filename ? file : new File([file], filename, { type: file.type });
}

type Answered = UploadImageMutation | UploadVideoMutation;

function assetIn(data: unknown): Asset {
  // What was asked for.
  const answered = data as Answered;
  return assetOf('uploadImage' in answered ? answered.uploadImage : answered.uploadVideo);
}

function idsIn(reply: Reply): string[] {
  const { data } = (jsonOf(reply) ?? {}) as { readonly data?: Answered | null };
  return data ? [assetIn(data).id] : [];
}
