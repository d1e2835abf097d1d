import { byName } from '../base/by-name.ts';
import { readWriteRequest } from './remote-write.ts';
import type { WriteRoute } from './routes.ts';
import { seriesKey } from './samples.ts';
import type { PushSource, ReceiverStore } from './store.ts';

/** Stores the samples of a write request, and removes the series that it ends; returns the targets concerned. */
export function applyWrite(
  store: ReceiverStore,
  { labels: given }: WriteRoute,
  message: Buffer,
  nowMs: number,
): PushSource[] {
  const targets = new Set<PushSource>();
  for (const { labels, samples } of readWriteRequest(message)) {
    const name = labels.get('__name__') ?? '';
    const merged = new Map([...labels, ...given].filter(([label, value]) => label !== '__name__' && value !== ''));
    const sorted = new Map([...merged].sort(byName));
    const key = seriesKey(name, sorted);
    const identity = new Map(['job', 'instance'].map((label) => [label, sorted.get(label) ?? ''] as const));
    const target = store.touch('vm', identity, nowMs);
    targets.add(target);
    for (const { value, timeMs, isEnd } of samples) {
      if (isEnd) store.end(target, key);
      else if (!Number.isNaN(value)) store.add(target, { family: name, type: undefined, key, value, timeMs });
    }
  }
  return [...targets];
}
