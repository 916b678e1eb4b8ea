import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Asset } from '../sdk.ts';
import { Pace } from './pace.ts';

/** How far one upload is. `finishing`: all bytes are there, and the server looks at them. */
export type UploadPhase = 'waiting' | 'sending' | 'finishing' | 'paused' | 'done' | 'failed';

/** One file on its way into the library, as far as it is shown. */
export class Upload {
  readonly key: number;
  readonly file: File;
  readonly phase = signal<UploadPhase>('waiting');
  readonly sentBytes = signal(0);
  /** Bytes a second over the last few seconds; 0 when nothing moves. */
  readonly speed = signal(0);
  /** Why it failed, in words. */
  readonly problem = signal('');
  /** The code of that. */
  code: string | undefined;
  /** Whether another try could help. */
  readonly canRetry = signal(true);
  /** What became of it. */
  readonly asset = signal<Asset | undefined>(undefined);
  readonly isOver: ReadonlySignal<boolean>;
  /** The sending, while there is one. */
  run: { abort(): void; readonly ended: Promise<void> } | undefined;

  readonly #pace = new Pace();
  #sent = 0;

  constructor(key: number, file: File) {
    this.key = key;
    this.file = file;
    this.isOver = computed(() => this.phase.value === 'done' || this.phase.value === 'failed');
  }

  /** Seconds until all is sent; undefined when nobody can say. */
  get secondsLeft(): number | undefined {
    const speed = this.speed.value;
    return speed > 0 ? (this.file.size - this.sentBytes.value) / speed : undefined;
  }

  /** Notes what was sent; what is shown follows at the next {@link show}. */
  progress(sentBytes: number, now: number): void {
    this.#sent = Math.min(sentBytes, this.file.size);
    this.#pace.note(this.#sent, now);
  }

  /** Brings what is shown up to date. Called a few times a second, however fast the bytes go. */
  show(now: number): void {
    this.sentBytes.value = this.#sent;
    this.speed.value = this.phase.peek() === 'sending' ? this.#pace.bytesPerSecond(now) : 0;
  }

  /** Forgets the pace: what comes next says nothing about what was. */
  rest(phase: UploadPhase): void {
    this.#pace.clear();
    this.speed.value = 0;
    this.phase.value = phase;
  }

  /** Starts counting at 0 again. */
  rewind(): void {
    this.#sent = 0;
    this.sentBytes.value = 0;
    this.#pace.clear();
  }
}
