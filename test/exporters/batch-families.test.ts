import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { familyNames, withFamilies } from '../../src/exporters/delivery/batch-families.ts';
import type { Batch } from '../../src/exporters/exporter.ts';

test('a family with the name of a part of another one is a family of its own', async () => {
  const text =
    '# TYPE t histogram\n# TYPE t_count counter\n# TYPE s summary\n' +
    't_bucket{le="+Inf"} 1\nt_sum 1\nt_count 1\ns_sum 1\ns_count 1\ns_bucket 1\n';
  const members = [gzipSync(text)];
  const batch: Batch = { group: 'node', encoding: 'gzip', stampMs: 0, members, textBytes: text.length, samples: 6 };
  assert.deepEqual(await familyNames(batch), ['t', 't_count', 's', 's_bucket']);
  const { batch: rest, out } = await withFamilies(batch, (family) => family === 't_count');
  assert.equal(String(gunzipSync(Buffer.concat(rest.members))), '# TYPE t_count counter\nt_count 1\n');
  assert.deepEqual(
    [...out],
    [
      ['t', 2],
      ['s', 2],
      ['s_bucket', 1],
    ],
  );
});
