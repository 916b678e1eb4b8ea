import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';

/** What the server takes; files of other kinds can still be dropped, and are told why not. */
const accepted =
  'image/jpeg,image/png,image/webp,image/gif,image/avif,video/mp4,video/quicktime,video/webm,video/x-matroska,.mkv,.mov,.m4v';

/** Opens the system's window of files. */
export function UploadButton({ label = 'Upload' }: { label?: string }): VNode {
  const { queue } = useTools();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button class="button is-primary" type="button" onClick={() => input.current?.click()}>
        <Icon name="upload" />
        {label}
      </button>
      <input
        ref={input}
        class="file-input"
        type="file"
        multiple
        hidden
        accept={accepted}
        aria-label={`${label}: files`}
        onChange={(event) => {
          queue.add([...(event.currentTarget.files ?? [])]);
          // So that the same file can be chosen again.
          event.currentTarget.value = '';
        }}
      />
    </>
  );
}
