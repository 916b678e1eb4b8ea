import type { VNode } from 'preact';
import { useTools } from '../tools.ts';
import { bytesInWords } from '../words.ts';

/** From this share of the quota on, the meter warns. */
const tight = 0.9;

/** How much the user keeps, and how much they may. */
export function UsageMeter(): VNode | null {
  const { library } = useTools();
  const usage = library.usage.value;
  if (usage === undefined) return null;
  const { bytes, quotaBytes } = usage;
  if (quotaBytes === null) return <p class="usage">{bytesInWords(bytes)} used</p>;
  return (
    <p class="usage">
      <span>
        {bytesInWords(bytes)} of {bytesInWords(quotaBytes)}
      </span>
      <meter class="usage-meter" aria-label="Storage used" min={0} max={quotaBytes} high={quotaBytes * tight} value={bytes} />
    </p>
  );
}
