import { useComputed, useSignal } from '@preact/signals';
import type { TargetedKeyboardEvent, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Asset } from '../sdk.ts';
import { useTools } from '../tools.ts';
import { period } from '../words.ts';
import { type Framed, type Grid, layOut, neighbour, type Place } from './layout.ts';
import { Tile } from './tile.tsx';
import { useView } from './view.ts';

/**
 * All pictures in rows, of which only those near the screen are in the document. One of them can be reached by Tab; arrows, Home, End and the
 * page keys move on from there, Enter opens, Space selects, Shift extends the selection, Delete deletes, Escape selects nothing.
 */
export function Gallery(): VNode {
  const { library, selection, removal, route } = useTools();
  const frame = useRef<HTMLDivElement>(null);
  const view = useView(frame);
  /** Which one Tab reaches. */
  const current = useSignal<string | undefined>(undefined);
  /** Which one is to get the focus as soon as it is in the document. */
  const wanted = useSignal<string | undefined>(undefined);
  const width = useComputed(() => view.value.width);
  const sections = useComputed(() => (width.value === 0 ? [] : layOut(framed(library.shown.value), gridOf(width.value))));
  const places = useComputed(() => sections.value.flatMap((section) => section.places));

  const isShown = (id: string): boolean => places.value.some((place) => place.id === id);
  const reachable = current.value !== undefined && isShown(current.value) ? current.value : library.shown.value[0]?.id;
  const focusOn = (id: string): boolean => {
    const tile = frame.current?.querySelector<HTMLElement>(`[data-id="${id}"] .tile-open`);
    tile?.focus({ preventScroll: true });
    tile?.scrollIntoView({ block: 'nearest' });
    return tile !== null && tile !== undefined;
  };
  const moveTo = (id: string | undefined): void => {
    if (id === undefined) return;
    current.value = id;
    // At once if it is there: the next key may come before the next picture of the screen.
    if (!focusOn(id)) wanted.value = id;
  };
  const next = wanted.value;
  useEffect(() => {
    if (next !== undefined && focusOn(next)) wanted.value = undefined;
  });

  // When the details close, the focus comes back to where they were opened, or had been turned to.
  const open = route.open.value;
  const wasOpen = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (open === undefined && wasOpen.current !== undefined) {
      // It may have been deleted there.
      if (isShown(wasOpen.current)) moveTo(wasOpen.current);
      else if (reachable !== undefined) moveTo(reachable);
      else document.getElementById('library')?.focus();
    }
    wasOpen.current = open;
  });

  // The button that was pressed for it is gone: the first that came back gets the focus, unless somebody has taken it elsewhere.
  const returned = removal.returned.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each time that something comes back
  useEffect(() => {
    if (route.open.peek() !== undefined || document.activeElement !== document.body) return;
    moveTo(places.peek().find(({ id }) => returned.includes(id))?.id);
  }, [returned]);

  const ids = (): string[] => places.peek().map(({ id }) => id);

  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    const at = places.peek().find(({ id }) => id === (event.target as HTMLElement).closest<HTMLElement>('[data-id]')?.dataset.id);
    if (at === undefined) return;
    const target = targetOf(event.key, at, places.peek());
    const hasCommand = event.ctrlKey || event.metaKey;
    if (target !== undefined && !hasCommand && !event.altKey) {
      if (event.shiftKey) {
        if (!selection.has(at.id)) selection.startAt(at.id);
        selection.extend(target.id, ids());
      }
      moveTo(target.id);
    } else if (event.key === ' ' && !(event.target as HTMLElement).matches('input')) {
      if (event.shiftKey) selection.extend(at.id, ids());
      else selection.toggle(at.id);
    } else if (hasCommand && event.key.toLowerCase() === 'a') selection.set(ids());
    else if (event.key === 'Escape' && selection.isOn.peek()) selection.clear();
    else if (event.key === 'Delete' || event.key === 'Backspace') removeFrom(at);
    else return;
    event.preventDefault();
  };

  const removeFrom = (at: Place): void => {
    const chosen = selection.count.peek() > 0 ? [...selection.ids.peek()] : [at.id];
    const isLeft = ({ id }: Place): boolean => !chosen.includes(id);
    const next = places.peek().slice(at.index).find(isLeft) ?? places.peek().slice(0, at.index).findLast(isLeft);
    removal.remove(chosen);
    selection.clear();
    if (next === undefined) document.getElementById('library')?.focus();
    else moveTo(next.id);
  };

  const { top, bottom } = view.value;
  const count = library.total.value ?? places.value.length;
  const isNear = ({ id, y, height }: Place): boolean => (y < bottom && y + height > top) || id === reachable;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it hears the keys of the buttons within
    <div class={`gallery ${selection.isOn.value ? 'is-selecting' : ''}`} ref={frame} onKeyDown={onKeyDown} onKeyUp={keepSpace}>
      {sections.value.map((section) => (
        <section key={section.title} class="gallery-section" aria-label={section.title} style={{ height: `${section.height}px` }}>
          <h2 class="gallery-heading">{section.title}</h2>
          {/* biome-ignore lint/a11y/noRedundantRoles: Safari does not read a list without bullets as one */}
          <ul class="gallery-list" role="list">
            {section.places.filter(isNear).map((place) => (
              <Tile
                key={place.id}
                asset={assetAt(library.byId.value, place)}
                place={{ ...place, y: place.y - section.y - headingHeight }}
                total={count}
                isReachable={place.id === reachable}
                isSelected={selection.has(place.id)}
                isSelecting={selection.isOn.value}
                onFocus={() => {
                  current.value = place.id;
                }}
                onOpen={() => route.show(place.id)}
                onSelect={(isRange) => (isRange ? selection.extend(place.id, ids()) : selection.toggle(place.id))}
              />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

/** Firefox presses a button when the space bar comes up, whatever became of it going down. */
function keepSpace(event: TargetedKeyboardEvent<HTMLDivElement>): void {
  if (event.key === ' ' && (event.target as HTMLElement).matches('button')) event.preventDefault();
}

const headingHeight = 52;

/** About three pictures in a row of a phone, and seven on a desk. */
function gridOf(width: number): Grid {
  if (width < 600) return { width, rowHeight: 132, gap: 4, headingHeight };
  return { width, rowHeight: width < 1000 ? 184 : 224, gap: 8, headingHeight };
}

function framed(assets: readonly Asset[]): Framed[] {
  const now = new Date();
  // A video that does not tell its size is shown as wide as most are.
  return assets.map(({ id, width, height, createdAt }) => ({
    id,
    ratio: width && height ? width / height : 16 / 9,
    group: period(createdAt, now),
  }));
}

function assetAt(assets: ReadonlyMap<string, Asset>, { id }: Place): Asset {
  const asset = assets.get(id);
  if (asset === undefined) throw new Error('A place without an asset.');
  return asset;
}

/** Where a key leads from `at`. */
function targetOf(key: string, at: Place, places: readonly Place[]): Place | undefined {
  switch (key) {
    case 'ArrowRight':
      return places[at.index + 1];
    case 'ArrowLeft':
      return places[at.index - 1];
    case 'ArrowDown':
      return neighbour(places, at, 1);
    case 'ArrowUp':
      return neighbour(places, at, -1);
    case 'PageDown':
      return places.find(({ y, x }) => y > at.y + innerHeight * 0.8 && x >= at.x) ?? places.at(-1);
    case 'PageUp':
      return places.findLast(({ y, x }) => y < at.y - innerHeight * 0.8 && x <= at.x) ?? places[0];
    case 'Home':
      return places[0];
    case 'End':
      return places.at(-1);
    default:
      return undefined;
  }
}
