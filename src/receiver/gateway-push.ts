// Pushgateway's rules: one error rejects the whole push and leaves the group unchanged.
import { isUtf8 } from 'node:buffer';
import type { MetricType } from '../metrics/family.ts';
import { parseLine, TextFormatError, type TextHelp, type TextSample, type TextType } from '../metrics/text/parse.ts';
import { Refused } from './refused.ts';
import type { GroupRoute } from './routes.ts';
import { DeclaredTypes, mergedLabels, newlinesIn, piecesOf, seriesKey } from './samples.ts';
import type { PushSource, ReceiverStore, StoredSample } from './store.ts';

/** Families of the real Pushgateway itself: a push with another type of one of them is rejected. */
const OWN_TYPES: ReadonlyMap<string, MetricType> = new Map([
  ['process_cpu_seconds_total', 'counter'],
  ['process_max_fds', 'gauge'],
  ['process_network_receive_bytes_total', 'counter'],
  ['process_network_transmit_bytes_total', 'counter'],
  ['process_open_fds', 'gauge'],
  ['process_resident_memory_bytes', 'gauge'],
  ['process_start_time_seconds', 'gauge'],
  ['process_virtual_memory_bytes', 'gauge'],
  ['process_virtual_memory_max_bytes', 'gauge'],
  ['push_failure_time_seconds', 'gauge'],
  ['push_time_seconds', 'gauge'],
]);

/**
 * Applies a PUT (replaces the group) or POST (replaces the families of the same name). Throws {@link Refused} with the
 * line and the reason; then nothing has changed. Must not run twice at a time.
 */
export async function applyPush(
  store: ReceiverStore,
  route: GroupRoute,
  bytes: Buffer,
  nowMs: number,
): Promise<PushSource> {
  const families = await readGroup(bytes, route.labels, nowMs);
  for (const [name, samples] of families) checkOthers(store, route.labels, name, samples);
  const target = store.touch('pushgateway', route.labels, nowMs);
  if (route.method === 'PUT') {
    for (const name of target.families.keys()) if (!families.has(name)) store.removeFamily(target, name);
  }
  for (const [name, samples] of families) store.replaceFamily(target, name, samples);
  return target;
}

/** Parses and checks a body on its own: its samples, by family. */
async function readGroup(
  bytes: Buffer,
  grouping: ReadonlyMap<string, string>,
  nowMs: number,
): Promise<Map<string, StoredSample[]>> {
  if (!isUtf8(bytes)) throw new Refused(400, `line ${firstBadLine(bytes)}: not UTF-8`);
  const text = bytes.toString();
  if (text !== '' && !text.endsWith('\n')) {
    throw new Refused(400, `line ${newlinesIn(text) + 1}: the last line has no newline at its end`);
  }
  const body = new GroupBody(grouping, nowMs);
  for await (const piece of piecesOf(text)) for (const [number, line] of piece) body.take(number, line);
  return body.families;
}

/** One body while it is read. */
class GroupBody {
  readonly families = new Map<string, StoredSample[]>();
  readonly #grouping: ReadonlyMap<string, string>;
  readonly #nowMs: number;
  readonly #declared = new DeclaredTypes();
  readonly #helped = new Set<string>();
  /** The line of each series. */
  readonly #lines = new Map<string, number>();

  constructor(grouping: ReadonlyMap<string, string>, nowMs: number) {
    this.#grouping = grouping;
    this.#nowMs = nowMs;
  }

  take(number: number, line: string): void {
    try {
      const parsed = parseLine(line, number);
      if (parsed?.kind === 'help') this.#help(parsed);
      else if (parsed?.kind === 'type') this.#type(parsed);
      else if (parsed?.kind === 'sample') this.#sample(parsed, number);
    } catch (cause) {
      if (cause instanceof BadLine) throw new Refused(400, `line ${number}: ${cause.message}`);
      throw cause instanceof TextFormatError ? new Refused(400, cause.message) : cause;
    }
  }

  #help({ name }: TextHelp): void {
    if (this.#helped.has(name)) throw new BadLine(`second HELP of ${name}`);
    this.#helped.add(name);
  }

  #type(line: TextType): void {
    if (this.#declared.has(line.name)) throw new BadLine(`second TYPE of ${line.name}`);
    if (this.families.has(line.name)) throw new BadLine(`TYPE of ${line.name} after its samples`);
    this.#declared.declare(line);
  }

  #sample(line: TextSample, number: number): void {
    const { name, value, timestampMs } = line;
    if (timestampMs !== undefined) throw new BadLine(`${name} has a timestamp; pushed samples must have none`);
    const reserved = line.labels.find(([label]) => label.startsWith('__'))?.[0];
    if (reserved !== undefined) throw new BadLine(`${name} has a label ${reserved}; names with __ are reserved`);
    const key = seriesKey(name, mergedLabels(line, this.#grouping));
    const first = this.#lines.get(key);
    if (first !== undefined) throw new BadLine(`series ${key} (with the labels of the path) is also in line ${first}`);
    this.#lines.set(key, number);
    const { name: family, type = 'untyped' } = this.#declared.familyOf(name);
    const sample: StoredSample = { family, type, key, value, timeMs: this.#nowMs };
    const known = this.families.get(family);
    if (known) known.push(sample);
    else this.families.set(family, [sample]);
  }
}

/** A well-formed line that violates the rules; the message lacks the line's number. */
class BadLine extends Error {}

/** A family has one type and a series one place, over all groups: compares with the others. */
function checkOthers(
  store: ReceiverStore,
  grouping: ReadonlyMap<string, string>,
  name: string,
  samples: readonly StoredSample[],
): void {
  const type = samples[0]?.type ?? 'untyped';
  const own = OWN_TYPES.get(name);
  if (own !== undefined && own !== type) {
    throw new Refused(400, `family ${name} is a ${type} here and a ${own} of the Pushgateway itself`);
  }
  const self = store.find('pushgateway', grouping);
  for (const other of store.targets) {
    const family = other.protocol === 'pushgateway' && other !== self ? other.families.get(name) : undefined;
    if (!family) continue;
    if (family.type !== type) {
      throw new Refused(400, `family ${name} is a ${type} here and a ${family.type} in group ${groupText(other)}`);
    }
    const taken = samples.find(({ key }) => family.series.has(key));
    if (taken) throw new Refused(400, `series ${taken.key} is already in group ${groupText(other)}`);
  }
}

const groupText = ({ labels }: PushSource): string => seriesKey('', labels);

/** Block size in the search for a line that is not UTF-8. */
const BLOCK_BYTES = 64 * 1024;

function firstBadLine(bytes: Buffer): number {
  let number = 1;
  for (let start = 0; start < bytes.length; ) {
    // Up to the end of a line, so that no character is split.
    const newline = bytes.indexOf(10, Math.min(start + BLOCK_BYTES, bytes.length));
    const end = newline === -1 ? bytes.length : newline + 1;
    const block = bytes.subarray(start, end);
    if (!isUtf8(block)) return number + firstBadIn(block);
    number += newlinesIn(block.toString('latin1'));
    start = end;
  }
  return number;
}

/** How many lines of `block` come before the first that is not UTF-8. */
function firstBadIn(block: Buffer): number {
  let before = 0;
  for (let start = 0; start < block.length; before++) {
    const newline = block.indexOf(10, start);
    const end = newline === -1 ? block.length : newline;
    if (!isUtf8(block.subarray(start, end))) return before;
    start = end + 1;
  }
  return before;
}
