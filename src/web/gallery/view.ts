import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/** What of the gallery is near the screen, in CSS pixels from its top, and how wide it is. */
export interface View {
  readonly width: number;
  readonly top: number;
  readonly bottom: number;
}

/** What is shown follows the scrolling in steps of so many pixels, so that most of it costs nothing. */
const step = 240;

/** How far beyond the screen tiles are made, in screens. */
const beyond = 0.75;

/** Follows the size and the scrolling of `element`. */
export function useView(element: RefObject<HTMLElement | null>): Signal<View> {
  const view = useSignal<View>({ width: 0, top: 0, bottom: 0 });
  useLayoutEffect(() => {
    const measure = (): void => {
      if (element.current === null) return;
      const box = element.current.getBoundingClientRect();
      const round = (pixels: number): number => Math.round(pixels / step) * step;
      const next = {
        width: box.width,
        top: round(-box.top - innerHeight * beyond),
        bottom: round(-box.top + innerHeight * (1 + beyond)),
      };
      const { width, top, bottom } = view.peek();
      if (next.width !== width || next.top !== top || next.bottom !== bottom) view.value = next;
    };
    const sizes = new ResizeObserver(measure);
    if (element.current !== null) sizes.observe(element.current);
    addEventListener('scroll', measure, { passive: true });
    addEventListener('resize', measure);
    measure();
    return () => {
      sizes.disconnect();
      removeEventListener('scroll', measure);
      removeEventListener('resize', measure);
    };
  }, [element, view]);
  return view;
}
