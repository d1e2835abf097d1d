// VictoriaMetrics' text import: bad lines are skipped one by one and the rest is stored.
import { parseLine, TextFormatError, type TextSample } from '../metrics/text/parse.ts';

import type { ImportRoute } from './routes.ts';
import { DeclaredTypes, mergedLabels, piecesOf, seriesKey } from './samples.ts';
import type { PushSource, ReceiverStore } from './store.ts';

// VictoriaMetrics' defaults: -maxLabelsPerTimeseries, -maxLabelNameLen, -maxLabelValueLen.
const MAX_LABELS = 40;
const MAX_NAME_BYTES = 256;
const MAX_VALUE_BYTES = 4096;
/** Times that fit into 31 bits are read as seconds, others as milliseconds. */
const MAX_SECONDS = 2 ** 31;
const RETENTION_MS = 31 * 86_400_000;
const MAX_AHEAD_MS = 2 * 86_400_000;

/**
 * Stores the samples of `text`; returns the targets concerned. Malformed lines are counted and reported, as are samples
 * that the real server would accept and silently drop, except for the quantiles of empty summaries. Throws Refused for
 * a line that is too long, before anything is stored.
 */
export async function importText(
  store: ReceiverStore,
  route: ImportRoute,
  text: string,
  nowMs: number,
): Promise<PushSource[]> {
  const body = new ImportedBody(store, route, nowMs);
  for await (const piece of piecesOf(text)) for (const [number, line] of piece) body.take(number, line);
  return body.finish();
}

/** One body being stored. */
class ImportedBody {
  readonly #store: ReceiverStore;
  readonly #route: ImportRoute;
  readonly #nowMs: number;
  readonly #declared = new DeclaredTypes();
  /** By job and instance. */
  readonly #targets = new Map<string, PushSource>();
  readonly #bad = new ImportTally();
  readonly #lost = new ImportTally();

  constructor(store: ReceiverStore, route: ImportRoute, nowMs: number) {
    this.#store = store;
    this.#route = route;
    this.#nowMs = nowMs;
  }

  take(number: number, line: string): void {
    try {
      const parsed = parseLine(line, number);
      if (parsed?.kind === 'type') this.#declared.declare(parsed);
      else if (parsed?.kind === 'sample') this.#keep(parsed, number);
    } catch (cause) {
      if (!(cause instanceof TextFormatError)) throw cause;
      this.#bad.add(cause.message);
    }
  }

  finish(): PushSource[] {
    const { totals } = this.#store;
    totals.invalidLines += this.#bad.count;
    totals.ignoredSamples += this.#lost.count;
    for (const { text } of [this.#bad, this.#lost]) if (text !== undefined) this.#store.report(this.#nowMs, text);
    for (const target of this.#targets.values()) this.#store.sweep(target);
    return [...this.#targets.values()];
  }

  #keep(sample: TextSample, number: number): void {
    const { name, value, timestampMs } = sample;
    const labels = mergedLabels(sample, this.#route.labels);
    const timeMs = timeOf(timestampMs) ?? this.#route.timestampMs ?? this.#nowMs;
    // A summary without observations has no quantiles: the real server drops them without consequences.
    if (Number.isNaN(value) && labels.has('quantile')) return;
    const loss = lossOf(sample, labels, timeMs, this.#nowMs);
    if (loss !== undefined) {
      this.#lost.add(`line ${number}: ${name}: ${loss}`);
      return;
    }
    const { name: family, type } = this.#declared.familyOf(name);
    const target = this.#target(labels.get('job') ?? '', labels.get('instance') ?? '');
    this.#store.add(target, { family, type, key: seriesKey(name, labels), value, timeMs });
  }

  #target(job: string, instance: string): PushSource {
    const key = `${job}\n${instance}`;
    const known = this.#targets.get(key);
    if (known) return known;
    const labels = new Map([
      ['job', job],
      ['instance', instance],
    ]);
    const target = this.#store.touch('vm', labels, this.#nowMs);
    this.#targets.set(key, target);
    return target;
  }
}

/** Messages of one kind: the first, and how many there are. */
class ImportTally {
  count = 0;
  #first = '';

  add(message: string): void {
    if (this.count++ === 0) this.#first = message;
  }

  get text(): string | undefined {
    if (this.count === 0) return undefined;
    return this.count === 1 ? this.#first : `${this.#first} (and ${this.count - 1} more)`;
  }
}

/** A sample's own time in milliseconds; 0 means none. */
function timeOf(timestamp: number | undefined): number | undefined {
  if (timestamp === undefined || timestamp === 0) return undefined;
  return Math.abs(timestamp) < MAX_SECONDS ? timestamp * 1000 : timestamp;
}

/** Why the real server would respond with success and not store this sample; undefined if it would store it. */
function lossOf(
  { name, value }: TextSample,
  labels: ReadonlyMap<string, string>,
  timeMs: number,
  nowMs: number,
): string | undefined {
  if (Number.isNaN(value)) return 'NaN is not stored';
  if (timeMs < nowMs - RETENTION_MS || timeMs > nowMs + MAX_AHEAD_MS) {
    const hint = Math.abs(timeMs) < MAX_SECONDS * 10 ? '; is timestamp= in seconds?' : '';
    return `its time ${timeMs} ms (${dateText(timeMs)}) is out of range${hint}`;
  }
  // The name is also a label.
  if (labels.size + 1 > MAX_LABELS) return `${labels.size + 1} labels, over ${MAX_LABELS}`;
  if (name.length > MAX_VALUE_BYTES) return `its name is longer than ${MAX_VALUE_BYTES} bytes`;
  for (const [label, text] of labels) {
    if (label.length > MAX_NAME_BYTES)
      return `the name of label ${label.slice(0, 40)}… is over ${MAX_NAME_BYTES} bytes`;
    if (Buffer.byteLength(text) > MAX_VALUE_BYTES)
      return `the value of label ${label} is over ${MAX_VALUE_BYTES} bytes`;
  }
  return undefined;
}

function dateText(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? 'no date' : date.toISOString();
}
