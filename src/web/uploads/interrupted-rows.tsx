import type { VNode } from 'preact';
import { Icon } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';
import { UploadButton } from './upload-button.tsx';

/** Uploads that a reload cut off: chosen again, they go on where they were. */
export function InterruptedRows(): VNode | null {
  const { interrupted } = useTools();
  const uploads = interrupted.uploads.value;
  if (uploads.length === 0) return null;
  return (
    <div class="interrupted">
      <p>
        {uploads.length === 1 ? 'This upload was' : 'These uploads were'} interrupted. Choose{' '}
        {uploads.length === 1 ? 'the file' : 'the files'} again to go on where {uploads.length === 1 ? 'it' : 'they'} stopped.
      </p>
      <ul class="uploads-rows">
        {uploads.map((upload) => (
          <li key={`${upload.name}/${upload.lastModified}`} class="upload is-interrupted" tabIndex={-1}>
            <span class="upload-icon">
              <Icon name="film" size={18} />
            </span>
            <div class="upload-words">
              <p class="upload-name" title={upload.name}>
                {upload.name}
              </p>
              <p class="upload-state">{Math.floor((upload.sentBytes / Math.max(upload.size, 1)) * 100)} % was sent</p>
            </div>
            <div class="upload-buttons">
              <button
                class="icon-button is-small"
                type="button"
                aria-label={`Forget ${upload.name}`}
                title={`Forget ${upload.name}`}
                onClick={() => interrupted.forget(upload)}
              >
                <Icon name="close" size={18} />
              </button>
            </div>
          </li>
        ))}
      </ul>
      <UploadButton label="Choose again" />
    </div>
  );
}
