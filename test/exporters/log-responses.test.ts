import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bulk } from '../../src/exporters/elasticsearch/bulk.ts';
import type { LogProtocol, LogReply } from '../../src/exporters/entries/protocol.ts';
import { push } from '../../src/exporters/loki/push.ts';
import { jsonline } from '../../src/exporters/victorialogs/jsonline.ts';
import { batchOf, entryOf } from '../kit/log-entries.ts';

interface Case {
  readonly type: 'victorialogs' | 'loki' | 'elasticsearch';
  readonly code: number;
  readonly text: string;
  /** Times of the entries, seconds after `base`. */
  readonly times?: readonly number[];
  readonly means: string;
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
  elasticsearch: bulk({ index: 'logs', fields: 'all' }),
};

for (const { type, code, text, times = [0], means, refused = {}, again, from } of answers) {
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
    assert.equal(verdict.kind, means);
    if (verdict.kind !== 'accepted') return;
    const reasons = Object.fromEntries((verdict.rejected ?? []).map(({ index, reason }) => [String(index), reason]));
    assert.deepEqual(reasons, refused);
    assert.deepEqual(verdict.again ?? [], again ?? []);
  });
}
