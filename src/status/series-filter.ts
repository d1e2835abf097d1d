import type { SeriesView } from '../http/status-view.ts';
import { escapeLabelValue } from '../metrics/text/format.ts';
import { parseKey } from '../metrics/text/parse.ts';

/** A selection of series of a family. */
export interface SeriesFilter {
  /** Labels that a series must have with exactly this value; an empty value: labels that it must not have. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Must be part of the labels' text, ignoring case; empty for any. */
  readonly text: string;
}

/** Whether a series key passes; undefined when all do. */
export function matcherOf({ labels, text }: SeriesFilter): ((key: string) => boolean) | undefined {
  if (labels.length === 0 && text === '') return undefined;
  const wanted = text.toLowerCase();
  // Most keys can be decided by their text, a hundred times faster than by parsing.
  const texts = labels
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${escapeLabelValue(value)}"`);
  return (key) => {
    if (
      wanted !== '' &&
      !key
        .slice(key.indexOf('{') + 1)
        .toLowerCase()
        .includes(wanted)
    )
      return false;
    if (labels.length === 0) return true;
    if (!texts.every((one) => key.includes(one))) return false;
    const found = new Map(parseKey(key).labels);
    return labels.every(([name, value]) => (found.get(name) ?? '') === value);
  };
}

/** A series for display. */
export function seriesView(group: string, selector: string, value: string): SeriesView {
  const { name, labels } = parseKey(selector);
  return { group, name, labels: Object.fromEntries(labels), value, selector };
}
