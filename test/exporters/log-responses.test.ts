import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bulk } from '../../src/exporters/elasticsearch/bulk.ts';
import type { LogProtocol, LogReply } from '../../src/exporters/entries/protocol.ts';
import { journald } from '../../src/exporters/journald/journald.ts';
import { push } from '../../src/exporters/loki/push.ts';
import { jsonline } from '../../src/exporters/victorialogs/jsonline.ts';
import { batchOf, entryOf } from '../kit/log-entries.ts';

interface Case {
  readonly type: 'victorialogs' | 'loki' | 'journald' | 'elasticsearch';
  readonly code: number;
  readonly text: string;
  /** Times of the entries, seconds after `base`. */
  readonly times?: readonly number[];
  readonly means: string;
  /** Why, unless the batch was accepted or is too large. */
  readonly reason?: string;
  readonly refused?: Readonly<Record<string, string>>;
  readonly again?: readonly number[];
  readonly from: string;
}

const { base, answers } = JSON.parse(
  readFileSync(new URL('../fixtures/logs/answers.json', import.meta.url), 'utf8'),
) as { base: string; answers: Case[] };

const PROTOCOLS: Readonly<Record<Case['type'], LogProtocol>> = {
  victorialogs: jsonline({ streamFields: ['node'], fields: 'all', tenant: undefined }),
  loki: push({ labels: ['node'], structuredMetadata: true, fields: 'all', tenant: undefined }),
  journald,
  elasticsearch: bulk({ index: 'logs', fields: 'all' }),
};

for (const { type, code, text, times = [0], means, reason, refused = {}, again, from } of answers) {
  test(`${type} ${code} ${text.slice(0, 100)}: ${means} (${from})`, () => {
    const entries = times.map((seconds, index) =>
      entryOf(index, { timeUs: (Date.parse(base) + seconds * 1000) * 1000, labels: {} }),
    );
    const batch = batchOf(PROTOCOLS[type], entries);
    const reply: LogReply = {
      code,
      text: text.slice(0, 300),
      ...(PROTOCOLS[type].responseBytes > 0 && { body: text }),
    };
    const verdict = PROTOCOLS[type].classify(reply, batch.view(batch.all()));
    assert.deepEqual([verdict.kind, 'reason' in verdict ? verdict.reason : undefined], [means, reason]);
    if (verdict.kind !== 'accepted') return;
    const reasons = Object.fromEntries((verdict.rejected ?? []).map(({ index, reason }) => [String(index), reason]));
    assert.deepEqual(reasons, refused);
    assert.deepEqual(verdict.again ?? [], again ?? []);
  });
}

/** The files with the rows that only this receiver has, whose reasons are written there. */
const OWN_ROWS: Readonly<Record<Case['type'], string>> = {
  victorialogs: 'victorialogs/jsonline.ts',
  loki: 'loki/responses.ts',
  journald: 'journald/journald.ts',
  elasticsearch: 'elasticsearch/items.ts',
};

for (const [type, file] of Object.entries(OWN_ROWS)) {
  test(`each reason in the tables of ${type} has a response`, () => {
    const source = readFileSync(new URL(`../../src/exporters/${file}`, import.meta.url), 'utf8');
    const rows =
      /\b(?:action|means): '(?:drop|pause|retry|refused|address)',\s*reason: '(\w+)'|\breason: '(\w+)',\s*restIsStored/g;
    const reasons = [...source.matchAll(rows)].map(([, ofAll, ofOne]) => ofAll ?? ofOne ?? '');
    const seen = new Set(
      answers
        .filter((one) => one.type === type)
        .flatMap(({ reason, refused = {} }) => [reason, ...Object.values(refused)]),
    );
    assert.ok(reasons.length > 0);
    assert.deepEqual(
      reasons.filter((reason) => !seen.has(reason)),
      [],
    );
  });
}
