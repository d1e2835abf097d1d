import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seriesHash, viewOf } from '../../src/scrape/series-order.ts';

test('series that differ in one character, number or position have different hashes', () => {
  const keys: string[] = [];
  for (let index = 0; index < 100_000; index++) {
    keys.push(`http_requests_total{method="GET",handler="/api/${index % 1000}",code="${Math.floor(index / 1000)}"`);
    keys.push(`container_cpu_usage_seconds_total{id="/kubepods/pod${index}",image="registry.example.com/app:1"`);
  }
  for (let index = 0; index < 26 ** 3; index++)
    keys.push(
      `m${String.fromCharCode(97 + (index % 26), 97 + (Math.floor(index / 26) % 26), 97 + Math.floor(index / 676))}`,
    );
  const seen = new Map<number, string>();
  for (const key of keys) {
    const hash = seriesHash(viewOf(Buffer.from(key)), 0, key.length);
    assert.ok(Number.isSafeInteger(hash) && hash >= 0, String(hash));
    assert.equal(seen.get(hash), undefined, key);
    seen.set(hash, key);
  }
});

test('a hash does not depend on the surroundings of the series', () => {
  const [one, other] = ['xxa{b="1"}yyy', 'zzzzza{b="1"}'].map((text) => {
    const start = text.indexOf('a{');
    return seriesHash(viewOf(Buffer.from(text)), start, start + 'a{b="1"}'.length);
  });
  assert.equal(one, other);
});
