import { errorText } from '../base/error-text.ts';
import { familyNameOf, isLabelName, type MetricType, toLabelName, toMetricName } from '../metrics/family.ts';
import { seriesId } from '../metrics/text/format.ts';
import { parseText, TextFormatError } from '../metrics/text/parse.ts';
import { type GroupLabels, type PushedFamily, PushRefused } from './store.ts';

interface Draft {
  readonly name: string;
  type: MetricType | undefined;
  help: string;
  readonly samples: { readonly name: string; readonly labels: GroupLabels; readonly value: number }[];
}

/** The families of a push in the text format, all or none. Throws {@link PushRefused} with the line. */
export function readPushedText(text: string): PushedFamily[] {
  const drafts = new Map<string, Draft>();
  const seen = new Set<string>();
  const draftOf = (name: string): Draft => {
    const draft = drafts.get(name) ?? { name, type: undefined, help: '', samples: [] };
    drafts.set(name, draft);
    return draft;
  };
  try {
    // Some shell commands send no final newline.
    for (const line of parseText(text)) {
      if (line.kind === 'help') draftOf(line.name).help = line.help;
      else if (line.kind === 'type') {
        const draft = draftOf(line.name);
        if (draft.type !== undefined || draft.samples.length > 0)
          throw new Error(`TYPE of ${line.name} is repeated or follows its samples`);
        draft.type = line.type;
      } else {
        const { name, labels, value } = line;
        if (line.timestampMs !== undefined)
          throw new Error(`${name} has a timestamp: samples get the time of the push`);
        const bad = labels.find(([label]) => label !== 'le' && !isLabelName(label));
        if (bad) throw new Error(`${name} has the reserved label ${bad[0]}`);
        const id = seriesId(line);
        if (seen.has(id)) throw new Error(`${name} has a duplicate series`);
        seen.add(id);
        draftOf(familyNameOf(name, drafts)).samples.push({ name, labels, value });
      }
    }
  } catch (cause) {
    const place = cause instanceof TextFormatError ? '' : 'invalid text: ';
    throw new PushRefused(400, place + errorText(cause));
  }
  return [...drafts.values()]
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type = 'untyped', help, samples }) => ({
      name,
      type,
      help: help === '' ? 'Pushed.' : help,
      samples,
    }));
}

/** The families of the JSON list `[{"name", "timestamp", "tags", "value"}]`. Throws {@link PushRefused}. */
export function readPushedJson(text: string): PushedFamily[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new PushRefused(400, 'the body is not JSON');
  }
  const families = new Map<string, PushedFamily & { samples: Draft['samples'] }>();
  const seen = new Set<string>();
  for (const [index, entry] of (Array.isArray(list) ? list : [list]).entries()) {
    const refuse = (what: string) => new PushRefused(400, `entry ${index}: ${what}`);
    if (typeof entry !== 'object' || entry === null) throw refuse('is not an object');
    const { name, tags = {}, value, timestamp }: Partial<Record<string, unknown>> = { ...entry };
    if (typeof name !== 'string' || name === '') throw refuse('has no name');
    const number = typeof value === 'boolean' ? Number(value) : value;
    if (typeof number !== 'number') throw refuse(`${name} has a value that is not a number`);
    if (timestamp !== undefined && typeof timestamp !== 'number')
      throw refuse(`${name} has a timestamp that is not a number`);
    if (typeof tags !== 'object' || tags === null) throw refuse(`${name} has tags that are not an object`);
    const full = toMetricName(name);
    const labels: [string, string][] = [];
    for (const [tag, text_] of Object.entries(tags)) {
      const label = toLabelName(tag);
      if (label === '') throw refuse(`${name} has a tag without a name`);
      if (labels.some(([other]) => other === label)) throw refuse(`${name} has two tags that both map to ${label}`);
      labels.push([label, String(text_)]);
    }
    const id = seriesId({ name: full, labels });
    if (seen.has(id)) throw refuse(`${name} has a duplicate series`);
    seen.add(id);
    const family = families.get(full) ?? { name: full, type: 'gauge' as const, help: 'Pushed.', samples: [] };
    family.samples.push({ name: full, labels, value: number });
    families.set(full, family);
  }
  return [...families.values()];
}

/**
 * The labels of a grouping key, `job/JOB/LABEL/VALUE/…` after `/metrics/`; the value of a name with `@base64` is
 * base64url. Throws {@link PushRefused}.
 */
export function groupLabelsOf(path: string): GroupLabels {
  const segments = path.split('/');
  const labels: [string, string][] = [];
  if (segments.length % 2 !== 0 || !/^job(?:@|$)/.test(segments[0] ?? ''))
    throw new PushRefused(400, 'expected /metrics/job/JOB and pairs of /LABEL/VALUE');
  for (let index = 0; index < segments.length; index += 2) {
    const [name = '', encoding] = (segments[index] ?? '').split('@');
    const text = segments[index + 1] ?? '';
    if (name !== 'job' && !isLabelName(name)) throw new PushRefused(400, `${JSON.stringify(name)} is not a label name`);
    if (encoding !== undefined && encoding !== 'base64') throw new PushRefused(400, `unknown encoding ${encoding}`);
    if (labels.some(([known]) => known === name)) throw new PushRefused(400, `the label ${name} appears twice`);
    const value = encoding === undefined ? decoded(text) : Buffer.from(text, 'base64url').toString();
    if (name === 'job' && value === '') throw new PushRefused(400, 'job is empty');
    if (value !== '') labels.push([name, value]);
  }
  return labels;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new PushRefused(400, 'the path has a bad % sequence');
  }
}
