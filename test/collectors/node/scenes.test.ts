import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectorSpec } from '../../../src/collectors/collector.ts';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { hostTree } from '../../kit/host-tree.ts';
import { loadScenes } from '../../kit/scene.ts';

// Collectors with a file in scenes/, which contains files and samples: the samples of these files, of a host without them,
// and of its further cases.
// damage.test.ts and fuzz.test.ts damage the files, test/declared-families.test.ts counts the samples.

const scenes = await loadScenes();

function collector(name: string): CollectorSpec {
  const spec = nodeCollectors.find((one) => one.name === name);
  assert.ok(spec, `scenes/${name}.ts: no node collector has this name`);
  return spec;
}

test('the scene directories exist', () => assert.ok(scenes.size > 0));

for (const [name, { files, lines, options = {}, linesWithoutFiles = [], more = [] }] of scenes) {
  test(`${name} reads its scene`, async (t) => {
    const collected = await collectOnce(collector(name), hostTree(t, files), options);
    assert.deepEqual(collected.result.errors, []);
    assert.deepEqual(collected.lines, lines.toSorted());
  });

  test(`${name} on a host without its files`, async (t) => {
    const collected = await collectOnce(collector(name), hostTree(t, { 'proc/uptime': '', 'sys/x': '' }), options);
    assert.deepEqual(collected.lines, linesWithoutFiles.toSorted());
    const { outcome, errors } = collected.result;
    assert.equal(outcome, linesWithoutFiles.length > 0 ? 'ok' : 'nodata', errors.join('\n'));
  });

  for (const one of more) {
    test(`${name}: ${one.what}`, async (t) => {
      const { lines: found, result } = await collectOnce(
        collector(name),
        hostTree(t, one.files),
        one.options ?? options,
      );
      assert.deepEqual(found, (one.lines ?? []).toSorted());
      assert.equal(result.outcome, one.outcome);
      const messages = result.outcome === 'nodata' ? [result.reason] : result.errors.map(({ message }) => message);
      const expected = one.messages ?? [];
      assert.equal(messages.length, expected.length, messages.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(messages[index] ?? '', pattern);
    });
  }
}
