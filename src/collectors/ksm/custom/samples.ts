// Samples for a value, a list or a map at the path of a custom family, as in kube-state-metrics; its rules are only
// partly documented, so this follows its behaviour.

import { isMapping } from '../../../base/records.ts';
import { toLabelName } from '../../../metrics/family.ts';
import type { Each, PathLabels } from './config.ts';
import { labelText, numberOf } from './path.ts';

/** One sample of a custom family; labels common to all its samples are not included. */
interface CustomSample {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** Samples, and the problems with values that produced none. */
interface CustomSamples {
  readonly samples: readonly CustomSample[];
  readonly errors: readonly string[];
}

/** The samples of one object. Absent values produce none; values that cannot be converted produce an error. */
export function samplesOf(each: Each, object: unknown): CustomSamples {
  const found = each.path.get(object);
  if (each.type === 'gauge') return gauges(each, found);
  return each.type === 'info' ? { samples: infos(each, found), errors: [] } : stateSets(each, found);
}

function gauges(each: Extract<Each, { type: 'gauge' }>, found: unknown): CustomSamples {
  const samples: CustomSample[] = [];
  const errors: string[] = [];
  const { segments, get } = each.valueFrom;
  for (const [key, item] of elements(found)) {
    const isValue = key !== undefined && segments.length === 1 && segments[0] === key;
    const raw = (isValue ? item : get(item)) ?? (each.nilIsZero ? 0 : undefined);
    if (raw === undefined) continue;
    const value = numberOf(raw);
    if (value === undefined) {
      errors.push(`${labelText(raw)} is not a number`);
      continue;
    }
    const labels = new Map<string, string>();
    if (key && each.labelFromKey) labels.set(each.labelFromKey, key);
    addPathLabels(labels, item, each.labelsFromPath);
    if (key !== undefined) addPathLabels(labels, found, each.labelsFromPath);
    samples.push({ labels, value });
  }
  return { samples, errors };
}

/** A map produces a sample for each entry and one for itself, if they have labels. */
function infos(each: Extract<Each, { type: 'info' }>, found: unknown): CustomSample[] {
  const samples: CustomSample[] = [];
  const add = (item: unknown, key?: string) => {
    const labels = new Map<string, string>();
    if (key && each.labelFromKey) labels.set(each.labelFromKey, key);
    addPathLabels(labels, item, each.labelsFromPath);
    if (labels.size > 0) samples.push({ labels, value: 1 });
  };
  for (const [key, item] of elements(found)) add(item, key);
  if (isMapping(found)) add(found);
  return samples;
}

function stateSets(each: Extract<Each, { type: 'stateSet' }>, found: unknown): CustomSamples {
  const samples: CustomSample[] = [];
  const errors: string[] = [];
  for (const item of Array.isArray(found) ? found : [found]) {
    const state = each.valueFrom.get(item) ?? undefined;
    if (state === undefined) continue;
    if (typeof state !== 'string') {
      errors.push(`${labelText(state)} is not a known state`);
      continue;
    }
    for (const one of each.list) {
      const labels = new Map([[each.labelName, one]]);
      addPathLabels(labels, item, each.labelsFromPath);
      samples.push({ labels, value: one === state ? 1 : 0 });
    }
  }
  return { samples, errors };
}

function elements(found: unknown): (readonly [key: string | undefined, item: unknown])[] {
  if (isMapping(found)) return Object.entries(found);
  return (Array.isArray(found) ? found : [found]).map((item) => [undefined, item]);
}

const isStar = (name: string): boolean => name.startsWith('*') || name.endsWith('*');

/**
 * Adds the labels that `paths` finds in `from`. Names with a star copy a whole map, `prefix_*` with a prefix; they are
 * added first, so that the others take precedence.
 */
export function addPathLabels(labels: Map<string, string>, from: unknown, paths: PathLabels): void {
  const names = Object.keys(paths);
  for (const star of names.filter(isStar).sort()) {
    const map = paths[star]?.get(from);
    if (!isMapping(map)) continue;
    const prefix = star.endsWith('*') ? star.slice(0, -1) : '';
    for (const [key, value] of Object.entries(map)) labels.set(toLabelName(prefix + key), labelText(value));
  }
  for (const name of names) {
    if (isStar(name)) continue;
    const value = paths[name]?.get(from) ?? undefined;
    if (value !== undefined) labels.set(toLabelName(name), labelText(value));
  }
}
