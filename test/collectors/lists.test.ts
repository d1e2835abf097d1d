import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '../../src/collectors/ksm/resources/index.ts';
import { nodeCollectors } from '../../src/collectors/node/index.ts';

// The order of these lists is that of the references and of the configuration.
const ownFirst = nodeCollectors.filter(({ name }) => name !== 'textfile');
const LISTS = { 'node collectors': ownFirst, 'resources of kube-state': resources };

for (const [what, list] of Object.entries(LISTS)) {
  test(`${what} are listed in the order of their names`, () => {
    const names = list.map(({ name }) => name);
    assert.deepEqual(names, names.toSorted());
  });
}

test('textfile is the last node collector: files of users must not displace families of another', () => {
  assert.equal(nodeCollectors.at(-1)?.name, 'textfile');
});

// The reverse is not true: kube-state-metrics has an empty namespace in series of some resources without one.
test('the series of a resource with namespaces have the namespace', () => {
  const without = resources.filter(({ namespaced, identity }) => namespaced && !identity.labels.includes('namespace'));
  assert.deepEqual(
    without.map(({ name }) => name),
    [],
  );
});
