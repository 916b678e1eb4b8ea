/** Numbers and names as people read them. */

const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];

/** `3.4 MB`, in powers of 1000 as systems show file sizes today. */
export function bytesInWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.95 would round to 1000.
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (bytes === 1) return '1 byte';
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit]}`;
}

/** `3.1 of 12 MB`; the unit once where both have the same. */
export function shareOf(bytes: number, all: number): string {
  const [part, whole] = [bytesInWords(bytes), bytesInWords(all)];
  const [number = '', unit = ''] = part.split(' ');
  return `${whole.endsWith(` ${unit}`) ? number : part} of ${whole}`;
}

/** `2:05` or `1:02:05`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** `12 s left`, coarser the farther away: nobody wants to see a number of seconds jump about for an hour. */
export function timeLeft(seconds: number): string {
  if (seconds < 1) return '1 s left';
  if (seconds < 50) return `${seconds < 10 ? Math.ceil(seconds) : Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 55 * 60) return `${Math.max(1, Math.round(seconds / 60))} min left`;
  const hours = Math.round(seconds / 1800) / 2;
  return hours > 48 ? 'days left' : `${hours} h left`;
}

/** `1 item`, `12 items`, `1,204 items`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `26 November 2026 at 23:05`, where the reader is. */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' });
}

/** The heading under which something made at `iso` stands: near days by name, the rest by month. */
export function period(iso: string, now: Date): string {
  const date = new Date(iso);
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const daysAgo = Math.ceil((midnight.getTime() - date.getTime()) / 86_400_000);
  if (daysAgo <= 0) return 'Today';
  if (daysAgo === 1) return 'Yesterday';
  const month = date.toLocaleString('en', { month: 'long' });
  if (date.getFullYear() !== now.getFullYear()) return `${month} ${date.getFullYear()}`;
  return date.getMonth() === now.getMonth() ? `Earlier in ${month}` : month;
}
