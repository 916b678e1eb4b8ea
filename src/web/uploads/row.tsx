import type { VNode } from 'preact';
import { Icon, type IconName } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';
import { bytesInWords, shareOf, timeLeft } from '../words.ts';
import type { Upload } from './upload.ts';

/** One upload: its name, how far it is, and what can be done. */
export function UploadRow({ upload }: { upload: Upload }): VNode {
  const phase = upload.phase.value;
  const isMoving = phase === 'sending' || phase === 'finishing' || phase === 'paused';
  return (
    <li class={`upload is-${phase}`} tabIndex={-1}>
      <span class="upload-icon">
        <Icon name={iconOf(upload)} size={18} />
      </span>
      <div class="upload-words">
        <p class="upload-name" title={upload.file.name}>
          {upload.file.name}
        </p>
        <p class="upload-state">{stateOf(upload)}</p>
        {isMoving && (
          <progress
            class="bar"
            aria-label={`Progress of ${upload.file.name}`}
            max={Math.max(upload.file.size, 1)}
            value={upload.sentBytes}
          />
        )}
      </div>
      <Buttons upload={upload} />
    </li>
  );
}

function Buttons({ upload }: { upload: Upload }): VNode {
  const { queue, route } = useTools();
  const phase = upload.phase.value;
  const { name } = upload.file;
  const asset = upload.asset.value;
  // Buttons that take each other's place are one, so that the focus stays.
  return (
    <div class="upload-buttons">
      {(phase === 'sending' || phase === 'waiting') && (
        <RowButton key="go" icon="pause" label={`Pause ${name}`} act={() => queue.pause(upload)} />
      )}
      {phase === 'paused' && <RowButton key="go" icon="play" label={`Resume ${name}`} act={() => queue.resume(upload)} />}
      {phase === 'failed' && upload.canRetry.value && (
        <RowButton key="go" icon="retry" label={`Retry ${name}`} act={() => void queue.retry(upload)} />
      )}
      {phase === 'done' && asset !== undefined && (
        <button class="button is-quiet is-small" type="button" aria-label={`Open ${name}`} onClick={() => route.show(asset.id)}>
          Open
        </button>
      )}
      {phase !== 'done' && (
        <RowButton
          key="end"
          icon="close"
          label={`${phase === 'failed' ? 'Dismiss' : 'Cancel'} ${name}`}
          act={() => queue.cancel(upload)}
        />
      )}
    </div>
  );
}

function RowButton({ icon, label, act }: { icon: IconName; label: string; act: () => void }): VNode {
  return (
    <button class="icon-button is-small" type="button" aria-label={label} title={label} onClick={act}>
      <Icon name={icon} size={18} />
    </button>
  );
}

function iconOf(upload: Upload): IconName {
  if (upload.phase.value === 'failed') return 'alert';
  if (upload.phase.value === 'done') return 'check';
  return upload.file.type.startsWith('video/') ? 'film' : 'image';
}

function stateOf(upload: Upload): string {
  const { size } = upload.file;
  const ofAll = shareOf(upload.sentBytes.value, size);
  switch (upload.phase.value) {
    case 'waiting':
      return upload.sentBytes.value > 0 ? `Waiting · ${ofAll}` : `Waiting · ${bytesInWords(size)}`;
    case 'sending': {
      const left = upload.secondsLeft;
      return left === undefined ? ofAll : `${ofAll} · ${bytesInWords(upload.speed.value)}/s · ${timeLeft(left)}`;
    }
    case 'finishing':
      return 'Looking at it…';
    case 'paused':
      return `Paused · ${ofAll}`;
    case 'failed':
      return upload.problem.value;
    case 'done':
      return bytesInWords(size);
  }
}
