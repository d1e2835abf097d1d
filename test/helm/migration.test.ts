import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { configText, podsOf, render, type Values } from './chart.ts';
import { helmTest } from './helm-test.ts';
import { typeErrors } from './kube-types.ts';
import { schemaErrors } from './values.ts';

const DOCS = join(import.meta.dirname, '../../docs');

for (const page of globSync('migrate/*.md', { cwd: DOCS }).sort()) {
  const text = readFileSync(join(DOCS, page), 'utf8');
  for (const [, block = ''] of text.matchAll(/^```yaml\n(# firesteel-values\.yaml\n[\s\S]*?)^```$/gm)) {
    helmTest(`${page}: its values make valid objects`, () => {
      const values = parse(block) as Values;
      assert.deepEqual(schemaErrors(values), []);
      for (const object of render(values)) assert.deepEqual(typeErrors(object), [], object.metadata.name);
    });
  }
}

helmTest('labelWithPod: the series of a node have the pod of the agent as labels', () => {
  const exporters = { vm: { url: 'http://vm:8428' } };
  const objects = render({ exporters, node: { labelWithPod: true } });
  const [{ args, env }] = podsOf(objects)[0]?.pod.containers ?? [];
  for (const label of ['namespace=$(POD_NAMESPACE)', 'pod=$(POD_NAME)']) {
    assert.ok(args.includes(`identity.node.labels.${label}`), args.join(' '));
  }
  const names = env.map(({ name }: { name: string }) => name);
  assert.ok(names.includes('POD_NAME') && names.includes('POD_NAMESPACE'));
  assert.doesNotMatch(configText(objects, 'node'), /POD_NAME/);
});
