import type { Target } from '../../config/identity.ts';
import { compressionOf, compressor } from '../../metrics/compression.ts';
import { FamilyReader } from '../delivery/family-reader.ts';
import type { AddressedBatch, Batch } from '../exporter.ts';

/** The job and instance of a line. */
interface LineIdentity {
  readonly job: string;
  /** Undefined without a job. */
  readonly instance?: string;
}

/** The text of one target. */
interface IdentityText extends LineIdentity {
  readonly text: string;
  readonly samples: number;
}

/** One label of a line, with what may follow it. */
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"[\s,]*/y;
/** A timestamp after the value of a line with labels. */
const STAMP = /(\} \S+) \S+$/;

/**
 * Splits a batch whose lines carry their own job and instance into one batch for each of these. A Pushgateway needs
 * this: its grouping key replaces the labels of the lines, so two targets would become one. Timestamps of lines are
 * removed, because a Pushgateway rejects them. `labels` are added to all gateway groups. Rejects when a member can't be
 * decompressed.
 */
export async function splitByIdentity(batch: Batch, labels: Target['labels']): Promise<AddressedBatch[]> {
  const { pack, unpack } = compressor(compressionOf(batch.encoding));
  let text = '';
  for (const member of batch.members) text += (await unpack(member)).toString();
  const parts: AddressedBatch[] = [];
  for (const { job, instance, text: own, samples } of textByIdentity(text)) {
    const target = { job, ...(instance !== undefined && { instance }), labels };
    const member = await pack(Buffer.from(own));
    parts.push({ ...batch, target, members: [member], textBytes: Buffer.byteLength(own), samples });
  }
  return parts;
}

/**
 * The lines of each job and instance, under the header lines of their families. Of duplicate series, only the last line
 * is used, because a gateway rejects a second one. Lines without a job are dropped: they have no gateway group.
 */
export function textByIdentity(text: string): IdentityText[] {
  const reader = new FamilyReader();
  const headers = new Map<string, string>();
  const found = new Map<string, { identity: LineIdentity; families: Map<string, Map<string, string>> }>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      const family = reader.familyOf(line);
      headers.set(family, `${headers.get(family) ?? ''}${line}\n`);
      continue;
    }
    const identity = identityOf(line);
    if (identity === undefined) continue;
    const key = JSON.stringify([identity.job, identity.instance]);
    const one = found.get(key) ?? { identity, families: new Map<string, Map<string, string>>() };
    found.set(key, one);
    const family = reader.familyOf(line);
    const lines = one.families.get(family) ?? new Map<string, string>();
    one.families.set(family, lines);
    const plain = line.replace(STAMP, '$1');
    lines.set(plain.slice(0, plain.lastIndexOf('}')), plain);
  }
  return [...found.values()].map(({ identity, families }) => ({
    ...identity,
    samples: [...families.values()].reduce((sum, { size }) => sum + size, 0),
    text: [...families]
      .map(([family, lines]) => `${headers.get(family) ?? ''}${[...lines.values()].join('\n')}\n`)
      .join(''),
  }));
}

function identityOf(line: string): LineIdentity | undefined {
  const brace = line.indexOf('{');
  if (brace === -1) return undefined;
  let job: string | undefined;
  let instance: string | undefined;
  LABEL.lastIndex = brace + 1;
  for (let match = LABEL.exec(line); match !== null; match = LABEL.exec(line)) {
    const [, name, value = ''] = match;
    if (name === 'job') job = unescaped(value);
    else if (name === 'instance') instance = unescaped(value);
    if (job !== undefined && instance !== undefined) break;
  }
  return job ? { job, ...(instance && { instance }) } : undefined;
}

const unescaped = (value: string): string => value.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
