import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../parts/icons.tsx';
import { useTools } from '../tools.ts';
import { UploadButton } from '../uploads/upload-button.tsx';

/** How far from its end the gallery asks for more, in CSS pixels: about two screens. */
const lookAhead = '1600px';

/** What there is to say below the pictures: that more are coming, that there are none, or what went wrong and what to do. */
export function LibraryState(): VNode | null {
  const { library, queue } = useTools();
  const count = library.shown.value.length;
  const phase = library.phase.value;
  if (phase === 'failed') return <Failed />;
  if (phase === 'loading') return count === 0 ? <Skeleton /> : null;
  if (count === 0 && phase === 'idle') {
    if (library.isNarrowed.value) return <NothingFits />;
    return queue.unfinished.value.length > 0 ? <FirstOnes /> : <Empty />;
  }
  return <More key={count} />;
}

/** Grey frames where pictures will be. */
function Skeleton(): VNode {
  return (
    <div class="skeleton">
      <p class="unseen" role="status">
        Loading your library
      </p>
      {[3, 2, 4, 3, 2, 3, 4, 2, 3, 3, 2, 4].map((width, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never move
        <span key={index} class="skeleton-frame" style={{ flexGrow: width }} />
      ))}
    </div>
  );
}

function Empty(): VNode {
  return (
    <section class="state" aria-labelledby="empty">
      <svg class="state-picture" width="160" height="112" viewBox="0 0 160 112" aria-hidden="true" focusable="false">
        <rect class="paper is-back" x="26" y="16" width="84" height="62" rx="8" transform="rotate(-7 68 47)" />
        <rect class="paper is-middle" x="56" y="14" width="84" height="62" rx="8" transform="rotate(6 98 45)" />
        <rect class="paper is-front" x="36" y="32" width="88" height="66" rx="8" />
        <path class="hill" d="M44 90l22-27 16 19 9-10 17 18z" />
        <circle class="sun" cx="104" cy="50" r="7" />
      </svg>
      <h2 id="empty">Nothing here yet</h2>
      <p>
        Drop pictures or videos anywhere on this page, paste them, or choose them. They are kept exactly as they are: JPEG, PNG,
        WebP, GIF and AVIF; MP4, QuickTime, WebM and Matroska.
      </p>
      <UploadButton label="Choose files" />
    </section>
  );
}

/** While the first uploads are on their way, however long that takes. */
function FirstOnes(): VNode {
  return (
    <section class="state">
      <p>What you upload shows up here.</p>
    </section>
  );
}

function NothingFits(): VNode {
  const { library } = useTools();
  const { search, tag } = library.filter.value;
  return (
    <section class="state" aria-labelledby="nothing">
      <h2 id="nothing">{search === undefined ? 'Nothing fits this filter' : `Nothing found for “${search}”`}</h2>
      <p>{tag === undefined ? 'Try another word, or look at everything.' : `Nothing of this has the tag “${tag}”.`}</p>
      <button
        class="button"
        type="button"
        onClick={() => library.narrow({ kind: undefined, status: undefined, tag: undefined, search: undefined })}
      >
        Show everything
      </button>
    </section>
  );
}

function Failed(): VNode {
  const { library, queue } = useTools();
  const isOnline = queue.isOnline.value;
  // Back on the network, the list comes by itself.
  useEffect(() => {
    if (!isOnline) return () => library.tryAgain();
  }, [isOnline, library]);
  return (
    <section class="state" role="alert">
      <Icon name={isOnline ? 'alert' : 'offline'} size={32} />
      <h2>{isOnline ? 'Your library could not be loaded' : 'You are offline'}</h2>
      <p>
        {isOnline
          ? `${library.problem.value} Check your connection, or try again in a moment.`
          : 'Your library comes back when the network does.'}
      </p>
      <button class="button" type="button" onClick={() => library.tryAgain()}>
        <Icon name="retry" /> Try again
      </button>
    </section>
  );
}

/** Stands at the end of the gallery and asks for more when it comes near. */
function More(): VNode {
  const { library } = useTools();
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && library.loadMore(), {
      rootMargin: lookAhead,
    });
    if (end.current !== null) observer.observe(end.current);
    return () => observer.disconnect();
  }, [library]);
  return (
    <div class="more" ref={end}>
      {library.phase.value === 'more' && <p role="status">Loading more</p>}
    </div>
  );
}
