import type { VNode } from 'preact';

/** Pictures of 20 by 20, drawn with the colour of the text around; what they mean is said beside them. */
const paths = {
  alert: 'M10 6.5v4.2M10 13.6v.1M8.7 3.3 1.9 15a1.5 1.5 0 0 0 1.3 2.2h13.6a1.5 1.5 0 0 0 1.3-2.2L11.3 3.3a1.5 1.5 0 0 0-2.6 0Z',
  check: 'm4.5 10.5 3.6 3.6 7.4-8',
  chevronDown: 'm5.5 8 4.5 4.5L14.5 8',
  chevronLeft: 'M12.5 4.5 7 10l5.5 5.5',
  chevronRight: 'M7.5 4.5 13 10l-5.5 5.5',
  close: 'm5 5 10 10M15 5 5 15',
  copy: 'M7.5 7.5V4.8c0-.7.6-1.3 1.3-1.3h6.4c.7 0 1.3.6 1.3 1.3v6.4c0 .7-.6 1.3-1.3 1.3h-2.7M4.8 7.5h6.4c.7 0 1.3.6 1.3 1.3v6.4c0 .7-.6 1.3-1.3 1.3H4.8c-.7 0-1.3-.6-1.3-1.3V8.8c0-.7.6-1.3 1.3-1.3Z',
  download: 'M10 3.5v9m0 0 3.8-3.7M10 12.5 6.2 8.8M3.5 16.5h13',
  film: 'M3.8 4.5h12.4c.7 0 1.3.6 1.3 1.3v8.4c0 .7-.6 1.3-1.3 1.3H3.8c-.7 0-1.3-.6-1.3-1.3V5.8c0-.7.6-1.3 1.3-1.3ZM6.5 4.5v11M13.5 4.5v11M2.5 10h4M13.5 10h4',
  image:
    'M4.3 3.5h11.4c1 0 1.8.8 1.8 1.8v9.4c0 1-.8 1.8-1.8 1.8H4.3c-1 0-1.8-.8-1.8-1.8V5.3c0-1 .8-1.8 1.8-1.8ZM2.7 14l4-4.2 3.3 3.4 2-2 5.3 5M13 7.3v.1',
  menu: 'M5 7h10M5 10h10M5 13h10',
  moon: 'M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z',
  offline:
    'M3 3l14 14M7.5 4.7A8.5 8.5 0 0 1 18 8M2 8a8.6 8.6 0 0 1 3.2-2.2M4.8 11.2a5.6 5.6 0 0 1 3.5-2M12.5 9.7c1 .3 1.9.8 2.7 1.5M10 15.5v.1',
  pause: 'M7 4.5v11M13 4.5v11',
  play: 'M6.5 4.3v11.4c0 .4.4.6.8.4l8.7-5.7c.3-.2.3-.6 0-.8L7.3 3.9c-.4-.2-.8 0-.8.4Z',
  retry: 'M16 4v4h-4M4 16v-4h4M15.6 8A6 6 0 0 0 5 6.4M4.4 12A6 6 0 0 0 15 13.6',
  search: 'm16.5 16.5-3.8-3.8M14 8.7a5.3 5.3 0 1 1-10.6 0 5.3 5.3 0 0 1 10.6 0Z',
  sun: 'M13.3 10a3.3 3.3 0 1 1-6.6 0 3.3 3.3 0 0 1 6.6 0ZM10 2.5V4M10 16v1.5M17.5 10H16M4 10H2.5M15.3 4.7l-1 1M5.7 14.3l-1 1M15.3 15.3l-1-1M5.7 5.7l-1-1',
  tag: 'M3.5 4.5v5.3c0 .3.1.6.3.8l6.4 6.4c.5.5 1.2.5 1.7 0l5.1-5.1c.5-.5.5-1.2 0-1.7L10.6 3.8a1.2 1.2 0 0 0-.8-.3H4.5c-.6 0-1 .4-1 1ZM7 7v.1',
  trash:
    'M3.5 5.5h13M8 5.5V3.8c0-.5.3-.8.8-.8h2.4c.5 0 .8.3.8.8v1.7M5 5.5l.7 10.3c0 .7.6 1.2 1.3 1.2h6c.7 0 1.3-.5 1.3-1.2L15 5.5M8.3 8.8v5M11.7 8.8v5',
  upload: 'M10 13V4m0 0L6.2 7.7M10 4l3.8 3.7M3.5 16.5h13',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }): VNode {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
