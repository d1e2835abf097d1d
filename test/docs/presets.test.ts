import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { resources } from '../../src/collectors/ksm/resources/index.ts';

const textOf = (path: string): string => readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8');

interface Preset {
  readonly node: { readonly include?: readonly string[] };
  readonly ksm: { readonly resources?: readonly string[] };
}

const presets = parse(textOf('helm/files/presets.yaml')) as Readonly<Record<'minimal' | 'complete', Preset>>;

test('the node collectors of the preset minimal are those that docs/install.md lists', () => {
  const row = /^\| node collectors \| ([^|]*) \|/m.exec(textOf('docs/install.md'))?.[1];
  assert.equal(row, presets.minimal.node.include?.join(', '));
});

test('the kinds of objects of the preset minimal are those that the texts describe', () => {
  const volumesAndPlaces = ['namespaces', 'nodes', 'persistentvolumeclaims'];
  const workloads = ['cronjobs', 'daemonsets', 'deployments', 'jobs', 'pods', 'statefulsets'];
  assert.deepEqual(presets.minimal.ksm.resources?.toSorted(), [...volumesAndPlaces, ...workloads].sort());
  for (const path of ['docs/install.md', 'helm/values.yaml', 'helm/templates/_presets.tpl']) {
    assert.match(textOf(path), /workloads.*nodes, namespaces(?:,| and) volume claims/, path);
  }
});

test('the preset complete has all kinds of objects except those that the texts name', () => {
  const complete = new Set(presets.complete.ksm.resources);
  const leftOut = resources.map(({ name }) => name).filter((name) => !complete.has(name));
  const phrase = `all kinds of objects except ${leftOut.toSorted().join(' and ')}`;
  for (const path of ['docs/install.md', 'helm/values.yaml', 'helm/templates/_presets.tpl']) {
    assert.ok(textOf(path).replaceAll('`', '').includes(phrase), `${path}: ${phrase}`);
  }
});
