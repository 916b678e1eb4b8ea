import { createClient, MediakeepError, webStorage } from 'mediakeep/client';

const client = createClient({ url: 'http://127.0.0.1:4000', token: () => fetch('/my-token').then((answer) => answer.text()) });

/** Uploads what was chosen, shows how far it is, and lists everything. */
export async function uploadChosen(file: File, show: (text: string) => void, signal: AbortSignal): Promise<void> {
  try {
    const asset = await client.upload(file, {
      title: 'At the sea',
      onProgress: ({ sentBytes, totalBytes, phase }) => show(`${phase} ${Math.round((100 * sentBytes) / totalBytes)} %`),
      signal, // pauses, because of `resume`: the same file goes on where it was, also after a reload; without `resume` it cancels
      resume: webStorage(localStorage),
    });
    show(asset.kind === 'VIDEO' ? `${asset.duration} s` : `${asset.width} x ${asset.height}`);
    for await (const { filename, url } of client.list({ kind: asset.kind, tag: 'sea' })) show(`${filename}: ${url}`);
  } catch (error) {
    if (error instanceof MediakeepError && error.code === 'FILE_TOO_LARGE') show(error.message);
    else throw error;
  }
}
