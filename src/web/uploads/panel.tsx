import { type Signal, useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useId } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';
import { bytesInWords, counted, shareOf, timeLeft } from '../words.ts';
import { InterruptedRows } from './interrupted-rows.tsx';
import { useKeptFocus } from './kept-focus.ts';
import type { UploadQueue } from './queue.ts';
import { UploadRow } from './row.tsx';

/** How many of those that are done are still listed. */
const doneListed = 20;

/** A screen of this height, in CSS pixels, has room for the list of uploads and the pictures. */
const roomForList = 500;

/** All uploads, in the corner: how far they are together and each for itself. */
export function UploadsPanel(): VNode | null {
  const { queue, interrupted } = useTools();
  const isOpen = useSignal(innerHeight >= roomForList);
  const missing = interrupted.uploads.value.length;
  if (queue.uploads.value.length === 0 && missing === 0) return null;
  return <Panel queue={queue} missing={missing} isOpen={isOpen} />;
}

function Panel({ queue, missing, isOpen }: { queue: UploadQueue; missing: number; isOpen: Signal<boolean> }): VNode {
  const id = useId();
  const panel = useKeptFocus();
  const isBusy = queue.isBusy.value;
  return (
    <section ref={panel} class={`uploads ${isOpen.value ? '' : 'is-folded'}`} aria-labelledby={`${id}-title`}>
      <header class="uploads-head">
        <div class="uploads-words">
          <h2 id={`${id}-title`} tabIndex={-1}>
            {titleOf(queue, missing)}
          </h2>
          <Summary queue={queue} />
        </div>
        <button
          class="icon-button"
          type="button"
          aria-expanded={isOpen.value}
          aria-controls={`${id}-list`}
          aria-label={isOpen.value ? 'Fold uploads' : 'Unfold uploads'}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          <span class="uploads-fold">
            <Icon name="chevronDown" />
          </span>
        </button>
        {!isBusy && missing === 0 && (
          <button class="icon-button" type="button" aria-label="Close uploads" onClick={() => queue.tidy()}>
            <Icon name="close" />
          </button>
        )}
      </header>
      {isBusy && <Total queue={queue} />}
      <Stalled queue={queue} />
      <div class="uploads-list" id={`${id}-list`} hidden={!isOpen.value}>
        <AllButtons queue={queue} />
        <InterruptedRows />
        <Rows queue={queue} />
      </div>
    </section>
  );
}

function titleOf(queue: UploadQueue, missing: number): string {
  const [unfinished, failed, done] = [queue.unfinished.value.length, queue.failed.value.length, queue.done.value.length];
  if (unfinished > 0) {
    const all = queue.uploads.value.length;
    const isPaused = queue.paused.value.length === unfinished;
    return `${isPaused ? 'Paused' : 'Uploading'} · ${done} of ${all} done${failed === 0 ? '' : `, ${failed} failed`}`;
  }
  if (failed > 0) return done === 0 ? `${counted(failed, 'upload')} failed` : `${done} uploaded, ${failed} failed`;
  if (done > 0) return `${counted(done, 'file')} uploaded`;
  return `${counted(missing, 'upload')} interrupted`;
}

function Summary({ queue }: { queue: UploadQueue }): VNode | null {
  const { sentBytes, totalBytes, speed } = queue.totals.value;
  if (queue.unfinished.value.length === 0) return null;
  const parts = [shareOf(sentBytes, totalBytes)];
  if (speed > 0) parts.push(`${bytesInWords(speed)}/s`, timeLeft((totalBytes - sentBytes) / speed));
  return <p class="uploads-sum">{parts.join(' · ')}</p>;
}

function Total({ queue }: { queue: UploadQueue }): VNode {
  const { sentBytes, totalBytes } = queue.totals.value;
  return <progress class="bar is-total" aria-label="All uploads" max={Math.max(totalBytes, 1)} value={sentBytes} />;
}

/** Why nothing moves, and how it goes on. */
function Stalled({ queue }: { queue: UploadQueue }): VNode | null {
  const now = useSignal(Date.now());
  const stalled = queue.stalled.value;
  useEffect(() => {
    if (stalled === undefined) return;
    now.value = Date.now();
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 1000);
    return () => clearInterval(timer);
  }, [stalled, now]);
  if (!queue.isOnline.value && queue.unfinished.value.length > 0) {
    return (
      <p class="uploads-note" role="status">
        <Icon name="offline" size={16} /> You are offline. This goes on by itself when the network is back.
      </p>
    );
  }
  if (stalled === undefined) return null;
  const seconds = Math.max(1, Math.ceil((stalled.until - now.value) / 1000));
  return (
    <div class="uploads-note">
      <Icon name="alert" size={16} />
      <p>
        <span role="status">{stalled.problem}</span> Trying again in {seconds} s.
      </p>
      <button class="button is-quiet is-small" type="button" onClick={() => queue.goOn()}>
        Try now
      </button>
    </div>
  );
}

function AllButtons({ queue }: { queue: UploadQueue }): VNode | null {
  const [unfinished, paused] = [queue.unfinished.value.length, queue.paused.value.length];
  const retriable = queue.failed.value.filter(({ canRetry }) => canRetry.value).length;
  if (unfinished < 2 && retriable < 2) return null;
  return (
    <div class="uploads-all">
      {unfinished > 1 && paused < unfinished && (
        <button class="button is-quiet is-small" type="button" onClick={() => queue.pauseAll()}>
          Pause all
        </button>
      )}
      {unfinished > 1 && paused > 0 && (
        <button class="button is-quiet is-small" type="button" onClick={() => queue.resumeAll()}>
          Resume all
        </button>
      )}
      {retriable > 1 && (
        <button class="button is-quiet is-small" type="button" onClick={() => void queue.retryAll()}>
          Retry failed
        </button>
      )}
      {unfinished > 1 && (
        <button class="button is-quiet is-small" type="button" onClick={() => queue.cancelAll()}>
          Cancel all
        </button>
      )}
    </div>
  );
}

/** What needs somebody first, then what is on its way, then what is done, the latest first. */
function Rows({ queue }: { queue: UploadQueue }): VNode {
  const done = queue.done.value.slice(-doneListed).toReversed();
  return (
    <ul class="uploads-rows">
      {[...queue.failed.value, ...queue.unfinished.value, ...done].map((upload) => (
        <UploadRow key={upload.key} upload={upload} />
      ))}
    </ul>
  );
}
