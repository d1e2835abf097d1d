import type { Body } from '../exporters/exporter.ts';
import {
  type CompressedText,
  compressEach,
  compressionOf,
  type Encoding,
  transcodeKept,
} from '../metrics/compression.ts';
import { gauge } from '../metrics/family.ts';
import type { Group } from '../metrics/group.ts';
import type { PreparedBody } from '../metrics/prepared.ts';
import { Snapshot } from '../metrics/snapshot.ts';
import { encodeByObject } from '../metrics/text/encoder.ts';

const up = gauge('up', 'Whether the agent pushes this job; there as long as it does, so absence is the alarm.');

const PUSHED = new Snapshot();
PUSHED.add(up, 1);
PUSHED.close();

/** What a cycle has of a group. */
export interface CollectedGroup {
  readonly group: Group;
  readonly stampMs: number;
  readonly snapshots: readonly Snapshot[];
  readonly prepared: readonly PreparedBody[];
  /** What is wanted. */
  readonly encodings: readonly Encoding[];
}

/** One body for each encoding that was wanted. */
export type Bodies = ReadonlyMap<Encoding | undefined, Body>;

/** Writes the bodies of one group; the text of a cycle is made once. */
export class GroupEncoder {
  #last: { readonly collected: CollectedGroup; readonly bodies: Bodies } | undefined;

  async encode(collected: CollectedGroup): Promise<Bodies> {
    const { stampMs, prepared } = collected;
    const last = this.#last;
    if (last && isSame(last.collected, collected)) return restamped(last.bodies, stampMs);
    const bodies = await bodiesOf(collected);
    // The state of a cluster may stay as it is for long. Values of a node change in each cycle, and would be kept for nothing.
    this.#last = prepared.length > 0 ? { collected, bodies } : undefined;
    return bodies;
  }
}

/** Whether two cycles have to tell the same. */
function isSame(one: CollectedGroup, other: CollectedGroup): boolean {
  return (
    areEqual(one.encodings, other.encodings, Object.is) &&
    areEqual(one.prepared, other.prepared, (a, b) => areEqual(a.members, b.members, Object.is)) &&
    areEqual(one.snapshots, other.snapshots, (a, b) => a.series === b.series && areEqual(a.values, b.values, Object.is))
  );
}

const areEqual = <T>(ones: readonly T[], others: readonly T[], areSame: (one: T, other: T) => boolean): boolean =>
  ones.length === others.length && ones.every((one, index) => areSame(one, others[index] as T));

const restamped = (bodies: Bodies, stampMs: number): Bodies =>
  new Map([...bodies].map(([encoding, body]) => [encoding, { ...body, stampMs }]));

async function bodiesOf({ group, stampMs, snapshots, prepared, encodings }: CollectedGroup): Promise<Bodies> {
  const fresh = [PUSHED, ...snapshots];
  const samples = sum([...fresh.map(({ size }) => size), ...prepared.map((part) => part.samples)]);
  const bodies = new Map<Encoding | undefined, Body>();
  // To stamp each line of what is kept compressed would cost a second of CPU for 10,000 pods, at each push.
  const written = (encoding: Encoding) => (prepared.length > 0 ? compressionOf(encoding) : encoding);
  const texts = await compressEach(encodeByObject(fresh), [...new Set(encodings.map(written))], stampMs);
  for (const encoding of new Set(encodings)) {
    const { members, textBytes } = texts.get(written(encoding)) as CompressedText;
    const kept: (readonly Buffer[])[] = [];
    for (const part of prepared) kept.push(await transcodeKept(part.members, part.encoding, compressionOf(encoding)));
    bodies.set(encoding, {
      group,
      stampMs,
      encoding: written(encoding),
      samples,
      textBytes: sum([textBytes, ...prepared.map((part) => part.textBytes)]),
      members: [members, ...kept].flat(),
    });
  }
  return bodies;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
