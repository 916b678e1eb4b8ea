import { batch, computed, effect, signal } from '@preact/signals';
import type { Asset, MediakeepClient, ResumeStore } from '../sdk.ts';
import type { Failure } from '../session.ts';
import type { Interrupted } from './interrupted.ts';
import { Upload } from './upload.ts';

/** What it takes to upload. */
export interface QueueOptions {
  readonly client: MediakeepClient;
  /** Where sessions are remembered, so that a reload goes on where they were. */
  readonly resume: ResumeStore;
  readonly interrupted: Interrupted;
  /** What has become of a file, in words. */
  readonly explain: (error: unknown, file?: File) => Failure;
  /** Deletes at once what is about to be deleted. */
  readonly makeRoom: () => Promise<void>;
  readonly onDone: (asset: Asset) => void;
  readonly announce: (text: string) => void;
}

/** How many files are sent at once: enough to hide the pauses between small ones, few enough for a line to carry. */
const parallel = 4;

/** How often what is shown follows what is sent, in milliseconds. */
const showMs = 200;

/** After a failure that will pass, the queue waits so long, in seconds; longer each time. */
const pauses = [2, 4, 8, 15];

/** Uploads of many files: a few at a time, each to be paused, resumed, cancelled and tried again. What a broken line or a busy server cut off goes on by itself. */
export class UploadQueue {
  /** All, in the order in which they were added. */
  readonly uploads = signal<readonly Upload[]>([]);
  /** When the queue goes on after a failure that will pass (milliseconds, as `Date.now()`), and what it waits for; undefined: it is not waiting. */
  readonly stalled = signal<{ readonly until: number; readonly problem: string } | undefined>(undefined);
  readonly isOnline = signal(navigator.onLine);
  readonly running = computed(() =>
    this.uploads.value.filter(({ phase }) => phase.value === 'sending' || phase.value === 'finishing'),
  );
  readonly unfinished = computed(() => this.uploads.value.filter(({ isOver }) => !isOver.value));
  readonly failed = computed(() => this.uploads.value.filter(({ phase }) => phase.value === 'failed'));
  readonly done = computed(() => this.uploads.value.filter(({ phase }) => phase.value === 'done'));
  readonly isBusy = computed(() => this.unfinished.value.length > 0);
  readonly paused = computed(() => this.uploads.value.filter(({ phase }) => phase.value === 'paused'));
  readonly totals = computed(() => {
    const counted = this.uploads.value.filter(({ phase }) => phase.value !== 'failed');
    const sum = (of: (upload: Upload) => number): number => counted.reduce((total, upload) => total + of(upload), 0);
    const sentBytes = sum((upload) => (upload.phase.value === 'done' ? upload.file.size : upload.sentBytes.value));
    return { sentBytes, totalBytes: sum(({ file }) => file.size), speed: sum(({ speed }) => speed.value) };
  });

  readonly #options: QueueOptions;
  #nextKey = 1;
  /** Whether nothing is begun, since nobody is signed in. */
  #isHeld = false;
  #failures = 0;
  #clock: ReturnType<typeof setInterval> | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Sends while somebody is signed in, and watches whether there is a network. Returns what ends that; what is on its way waits for the next time. */
  follow(): () => void {
    this.#isHeld = false;
    this.isOnline.value = navigator.onLine;
    this.goOn();
    const online = (): void => this.#setOnline(true);
    const offline = (): void => this.#setOnline(false);
    addEventListener('online', online);
    addEventListener('offline', offline);
    return () => {
      removeEventListener('online', online);
      removeEventListener('offline', offline);
      this.#hold();
    };
  }

  /** Has the browser ask before the page is left while something is on its way: what was not begun would be lost. Returns what ends that. */
  guard(): () => void {
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    return effect(() => {
      // Only as long as it is needed: browsers keep a page that listens to this out of their memory of Back.
      if (!this.isBusy.value) return;
      addEventListener('beforeunload', ask);
      return () => removeEventListener('beforeunload', ask);
    });
  }

  /** Adds files; one that is on its way already is not added again. Returns how many were new. */
  add(files: readonly File[]): number {
    const known = new Set(this.unfinished.peek().map(({ file }) => fingerprint(file)));
    const added = files.filter((file) => !known.has(fingerprint(file))).map((file) => new Upload(this.#nextKey++, file));
    this.#options.interrupted.found(files);
    this.uploads.value = [...this.uploads.peek(), ...added];
    this.#fill();
    return added.length;
  }

  pause(upload: Upload): void {
    if (upload.isOver.peek() || upload.phase.peek() === 'finishing') return;
    upload.rest('paused');
    upload.run?.abort();
  }

  resume(upload: Upload): void {
    if (upload.phase.peek() !== 'paused') return;
    upload.phase.value = 'waiting';
    this.#fill();
  }

  pauseAll(): void {
    batch(() => {
      for (const upload of this.unfinished.peek()) this.pause(upload);
    });
  }

  resumeAll(): void {
    batch(() => {
      for (const upload of this.paused.peek()) upload.phase.value = 'waiting';
    });
    this.#fill();
  }

  /** Takes one out for good; nothing of it stays on the server. */
  cancel(upload: Upload): void {
    this.uploads.value = this.uploads.peek().filter((each) => each !== upload);
    this.#options.interrupted.forget(upload.file);
    const { run } = upload;
    upload.rest('paused');
    run?.abort();
    if (run !== undefined || upload.sentBytes.peek() > 0) void this.#discard(upload.file, run?.ended);
    this.#fill();
  }

  cancelAll(): void {
    for (const upload of this.unfinished.peek()) this.cancel(upload);
  }

  async retry(...uploads: readonly Upload[]): Promise<void> {
    // What the user has deleted takes up room until it can no longer be undone.
    if (uploads.some(({ code }) => code === 'QUOTA_EXCEEDED')) await this.#options.makeRoom();
    for (const upload of uploads) {
      if (upload.phase.peek() !== 'failed') continue;
      upload.problem.value = '';
      upload.rewind();
      upload.phase.value = 'waiting';
    }
    this.#fill();
  }

  retryAll(): Promise<void> {
    return this.retry(...this.failed.peek().filter(({ canRetry }) => canRetry.peek()));
  }

  /** Clears away what is over. */
  tidy(): void {
    this.uploads.value = this.unfinished.peek();
  }

  /** Ends the waiting after a failure. */
  goOn(): void {
    clearTimeout(this.#pause);
    this.stalled.value = undefined;
    this.#fill();
  }

  #setOnline(isOnline: boolean): void {
    this.isOnline.value = isOnline;
    if (isOnline) this.goOn();
    else this.#letGo();
  }

  #hold(): void {
    this.#isHeld = true;
    this.#letGo();
  }

  /** Has what is being sent wait. */
  #letGo(): void {
    for (const upload of this.running.peek()) {
      if (upload.phase.peek() === 'finishing') continue;
      upload.rest('waiting');
      upload.run?.abort();
    }
  }

  /** Starts as many as may run. */
  #fill(): void {
    if (this.#isHeld || !this.isOnline.peek() || this.stalled.peek() !== undefined) return;
    let free = parallel - this.running.peek().length;
    for (const upload of this.uploads.peek()) {
      if (free <= 0) break;
      // One that was paused and resumed at once must first have let go.
      if (upload.phase.peek() !== 'waiting' || upload.run !== undefined) continue;
      free -= 1;
      const controller = new AbortController();
      upload.phase.value = 'sending';
      upload.run = { abort: () => controller.abort(), ended: this.#send(upload, controller.signal) };
    }
    this.#watch();
  }

  async #send(upload: Upload, signal: AbortSignal): Promise<void> {
    const { client, resume, interrupted, onDone } = this.#options;
    try {
      const asset = await client.upload(upload.file, {
        signal,
        resume,
        onProgress: ({ sentBytes, phase }) => {
          if (signal.aborted) return;
          upload.progress(sentBytes, performance.now());
          interrupted.note(upload.file, sentBytes);
          if (phase === 'finishing') upload.phase.value = 'finishing';
        },
      });
      this.#failures = 0;
      interrupted.forget(upload.file);
      upload.asset.value = asset;
      upload.rest('done');
      onDone(asset);
    } catch (error) {
      // Whoever aborted has said what it is now.
      if (!signal.aborted) this.#failed(upload, error);
    } finally {
      upload.run = undefined;
      this.#fill();
      this.#tellTheEnd();
    }
  }

  /** A session that was begun is kept for resuming unless it is given up; when that fails, it expires by itself. */
  async #discard(file: File, ended: Promise<void> | undefined): Promise<void> {
    await ended;
    try {
      await this.#options.client.discard(file, this.#options.resume);
    } catch (error) {
      this.#options.explain(error);
    }
  }

  #failed(upload: Upload, error: unknown): void {
    const { code, message, passes, retryAfterSeconds, canRetry } = this.#options.explain(error, upload.file);
    if (code === 'UNAUTHENTICATED') {
      upload.rest('waiting');
      this.#hold();
      return;
    }
    if (passes) {
      upload.rest('waiting');
      this.#stall(message, retryAfterSeconds);
      return;
    }
    this.#options.interrupted.forget(upload.file);
    upload.problem.value = message;
    upload.code = code;
    upload.canRetry.value = canRetry;
    upload.rest('failed');
    this.#options.announce(`${upload.file.name} was not uploaded. ${message}`);
  }

  #stall(problem: string, retryAfterSeconds: number | undefined): void {
    if (this.stalled.peek() !== undefined) return;
    const seconds = retryAfterSeconds ?? pauses[Math.min(this.#failures, pauses.length - 1)] ?? 15;
    this.#failures += 1;
    this.stalled.value = { until: Date.now() + seconds * 1000, problem };
    this.#pause = setTimeout(() => this.goOn(), seconds * 1000);
  }

  /** While something runs, what is shown follows. */
  #watch(): void {
    if (this.#clock !== undefined || this.running.peek().length === 0) return;
    this.#clock = setInterval(() => {
      const now = performance.now();
      const running = this.running.peek();
      batch(() => {
        for (const upload of running) upload.show(now);
      });
      if (running.length > 0) return;
      clearInterval(this.#clock);
      this.#clock = undefined;
    }, showMs);
  }

  #tellTheEnd(): void {
    if (this.unfinished.peek().length > 0) return;
    const [done, failed] = [this.done.peek().length, this.failed.peek().length];
    if (done + failed === 0) return;
    const tail = failed === 0 ? '' : `, ${failed} failed`;
    this.#options.announce(`${done} ${done === 1 ? 'file' : 'files'} uploaded${tail}.`);
  }
}

/** What tells two choices of the same file from two files. */
export function fingerprint({ name, size, lastModified }: Pick<File, 'name' | 'size' | 'lastModified'>): string {
  return `${name}/${size}/${lastModified}`;
}
