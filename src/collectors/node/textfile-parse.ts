import { byName } from '../../base/by-name.ts';
import { decimal } from '../../host/numbers.ts';
import { familyNameOf, isLabelName, isMetricName, type MetricType } from '../../metrics/family.ts';
import { blockOfPairs } from '../../metrics/text/format.ts';
import { parseText, type TextSample } from '../../metrics/text/parse.ts';

type Labels = readonly (readonly [name: string, value: string])[];

/** A family of a text file. Samples of histograms and summaries have the suffixes of their parts in the names. */
export interface TextFamily {
  readonly name: string;
  /** The name in the file, which may be any UTF-8; `name` is a form that all receivers accept. */
  readonly original: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  readonly samples: readonly { readonly key: string; readonly value: number }[];
}

interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

interface Draft {
  readonly name: string;
  type: MetricType | undefined;
  help: string | undefined;
  readonly samples: Sample[];
}

/**
 * The families of one file, under the rules of node_exporter beyond those of the format: no timestamps, and metadata of
 * a family occurs once and before its samples. Throws TextFormatError or another Error about the file.
 */
export function parseFamilies(text: string): TextFamily[] {
  // The file is probably still being written, and its last number may be truncated.
  if (text !== '' && !text.endsWith('\n'))
    throw new Error('the last line is incomplete; write to a temporary file and rename it');
  const drafts = new Map<string, Draft>();
  // Two names that map to the same one would be one family, or even one series, with two meanings.
  const originals = new Map<string, string>();
  const nameOf = (original: string) => {
    const name = validName(original);
    const other = originals.get(name) ?? original;
    if (other !== original) throw new Error(`${quoted(original)} and ${quoted(other)} both map to ${name}`);
    originals.set(name, original);
    return name;
  };
  const draftOf = (name: string) => {
    const draft = drafts.get(name) ?? { name, type: undefined, help: undefined, samples: [] };
    drafts.set(name, draft);
    return draft;
  };
  for (const line of parseText(text, { quotedNames: true })) {
    const name = nameOf(line.name);
    if (line.kind === 'sample') {
      const draft = draftOf(familyNameOf(name, drafts));
      draft.samples.push(sampleOf({ ...line, name }, draft.type));
      continue;
    }
    const draft = draftOf(name);
    if (line.kind === 'help') {
      if (draft.help !== undefined) throw new Error(`${line.name} has two HELP lines`);
      draft.help = line.help;
    } else {
      if (draft.type !== undefined) throw new Error(`${line.name} has two TYPE lines`);
      if (draft.samples.length > 0) throw new Error(`${line.name} has samples before its TYPE line`);
      draft.type = line.type;
    }
  }
  return [...drafts.values()]
    .filter(({ samples }) => samples.length > 0)
    .map((draft) => finish(draft, originals.get(draft.name) ?? draft.name));
}

const quoted = (name: string): string => JSON.stringify(name);

/**
 * A quoted name in a form that all receivers accept: characters outside the classic grammar become `_`, as in the
 * scheme `underscores` of Prometheus.
 */
const validName = (name: string): string =>
  isMetricName(name) ? name : name.replaceAll(/[^a-zA-Z0-9_:]/gu, '_').replace(/^\d/, '_');

/** Like {@link validName}, for labels, whose names have no colons. */
const validLabel = (name: string): string => validName(name).replaceAll(':', '_');

/** Labels are sorted, so that a series has one spelling only; an empty label is the same as no label. */
function sampleOf({ name, labels, value, timestampMs }: TextSample, type: MetricType | undefined): Sample {
  if (timestampMs !== undefined)
    throw new Error(`${name} has a timestamp, which is not allowed: samples carry the time of the cycle`);
  const bound = type && BOUNDS[type];
  const clean: [string, string][] = [];
  for (const [original, text] of labels) {
    const label = validLabel(original);
    if (clean.some(([other]) => other === label)) throw new Error(`${name} has two labels that both map to ${label}`);
    if (label !== 'le' && !isLabelName(label)) throw new Error(`${name} has the reserved label ${label}`);
    if (text !== '') clean.push([label, label === bound ? boundText(text) : text]);
  }
  return { name, labels: clean.sort(byName), value };
}

/** The label that distinguishes the parts of a type. */
const BOUNDS: Partial<Readonly<Record<MetricType, string>>> = { histogram: 'le', summary: 'quantile' };

/** A bound as printed by Go: `0.10`, `1.0` and `1000000` are `0.1`, `1` and `1e+06` in scraped series. */
export function boundText(text: string): string {
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinite) return `${infinite[1] || '+'}Inf`;
  const value = decimal(text);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (value === 0 || (power >= -4 && power < 6)) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

function finish({ name, type = 'untyped', help, samples }: Draft, original: string): TextFamily {
  const bound = BOUNDS[type];
  const all = bound ? [...samples, ...missingParts(name, type, bound, samples)] : samples;
  return { name, original, type, help, samples: all.map((sample) => ({ key: keyOf(sample), value: sample.value })) };
}

const keyOf = ({ name, labels }: Sample): string => name + blockOfPairs(labels);

/** Parts that each histogram and summary has by definition and node_exporter adds: sum, count and the last bucket. */
function missingParts(name: string, type: MetricType, bound: string, samples: readonly Sample[]): Sample[] {
  const groups = new Map<string, Labels>();
  const known = new Map<string, number>();
  for (const sample of samples) {
    const labels = sample.labels.filter(([label]) => label !== bound);
    groups.set(keyOf({ name: '', labels, value: 0 }), labels);
    known.set(keyOf(sample), sample.value);
  }
  const missing: Sample[] = [];
  const want = (part: string, labels: Labels, value: number) => {
    const sample = { name: name + part, labels, value };
    if (!known.has(keyOf(sample))) missing.push(sample);
  };
  for (const labels of groups.values()) {
    want('_sum', labels, 0);
    want('_count', labels, 0);
    if (type !== 'histogram') continue;
    const withBound = [...labels, ['le', '+Inf'] as const].sort(byName);
    want('_bucket', withBound, known.get(keyOf({ name: `${name}_count`, labels, value: 0 })) ?? 0);
  }
  return missing;
}
