import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useTools } from '../tools.ts';
import { Icon } from './icons.tsx';

/** How long it says so, in milliseconds. */
const saidMs = 1600;

/** Copies a text, and says so. */
export function CopyButton({ text, label }: { text: string | (() => Promise<string>); label: string }): VNode {
  const { announcer } = useTools();
  const state = useSignal<'ready' | 'copied' | 'failed'>('ready');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text());
      state.value = 'copied';
      announcer.say(`${label} copied`);
    } catch {
      // The browser refuses without a secure address; the text stands there to be selected.
      state.value = 'failed';
      announcer.say('The browser does not let this page copy. Select the text instead.');
    }
    setTimeout(() => {
      state.value = 'ready';
    }, saidMs);
  };
  return (
    <button class="button is-quiet is-small copy" type="button" aria-label={`Copy ${label}`} onClick={() => void copy()}>
      <Icon name={state.value === 'copied' ? 'check' : 'copy'} size={16} />
      {state.value === 'copied' ? 'Copied' : state.value === 'failed' ? 'Not copied' : 'Copy'}
    </button>
  );
}
