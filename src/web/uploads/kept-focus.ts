import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** The uploads' panel, in which the focus stays when the button that has it goes: from nowhere, a keyboard begins at the top of the page again. */
export function useKeptFocus(): RefObject<HTMLElement | null> {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => (panel.current === null ? undefined : keepFocus(panel.current)), []);
  return panel;
}

function keepFocus(panel: HTMLElement): () => void {
  let focused: HTMLElement | undefined;
  /** Which row it is in; -1: in none. */
  let place = -1;
  const rows = (): HTMLElement[] => [...panel.querySelectorAll<HTMLElement>('.upload')];
  const placeOf = (element: Element): number => rows().findIndex((row) => row.contains(element));
  const came = ({ target }: FocusEvent): void => {
    if (!(target instanceof HTMLElement)) return;
    focused = target;
    place = placeOf(target);
  };
  const went = (): void => {
    // Later: what a button that is taken away, or the whole panel, leaves behind is given on first.
    setTimeout(() => {
      if (panel.isConnected && !panel.contains(document.activeElement)) focused = undefined;
    });
  };
  const observer = new MutationObserver((records) => {
    const element = focused;
    if (element === undefined) return;
    const isLost = document.activeElement === document.body && records.some((record) => removes(record, element));
    if (isLost) heir(element)?.focus(quietly);
    else if (panel.contains(element)) place = placeOf(element);
  });
  /** What is still there, since only its row has moved; else the row that is at its place now; else the heading. */
  const heir = (element: HTMLElement): HTMLElement | null => {
    if (element.isConnected) return element;
    const row = place === -1 ? undefined : (rows()[place] ?? rows().at(-1));
    return row ?? panel.querySelector('h2');
  };
  panel.addEventListener('focusin', came);
  panel.addEventListener('focusout', went);
  observer.observe(panel, { childList: true, subtree: true });
  return () => {
    observer.disconnect();
    panel.removeEventListener('focusin', came);
    panel.removeEventListener('focusout', went);
    const { activeElement } = document;
    const isHere = activeElement === document.body || panel.contains(activeElement);
    if (focused !== undefined && isHere) document.getElementById('library')?.focus(quietly);
  };
}

const quietly = { preventScroll: true };

function removes({ removedNodes }: MutationRecord, element: Element): boolean {
  return [...removedNodes].some((node) => node.contains(element));
}
