import assert from 'node:assert/strict';
import { notes, overlay, story, type Values } from './chart.ts';
import { helmTest } from './helm-test.ts';

const MINIMAL = story('minimal');
const QUIET = overlay(MINIMAL, { cluster: { name: 'prod' } });
const LOSSES = /The restricted tier cannot read\n(?: +- .*\n)+/;

helmTest('the notes name the workloads, the receivers and what the restricted tier cannot read', () => {
  const text = notes(MINIMAL);
  assert.match(text, /DaemonSet default\/firesteel-node, tier restricted/);
  assert.match(text, /Deployment default\/firesteel-state, 2 of them; Lease firesteel/);
  assert.match(text, /Every 15s they push to\n {2}vm {3}vmagent {3}http:\/\/victoria-metrics:8428/);
  assert.match(text, LOSSES);
  assert.match(text, /pod-security\.kubernetes\.io\/enforce=privileged/);
});

helmTest('the extended tier reads everything, and the notes agree', () => {
  assert.doesNotMatch(notes(overlay(MINIMAL, { tier: 'extended' })), LOSSES);
});

helmTest('state agents alone need no privileged namespace', () => {
  assert.doesNotMatch(notes(story('ksm-only')), /pod-security|DaemonSet|restricted tier/);
});

/** Values that are valid, but may not be intended → the warning in the notes. */
const WARNINGS: readonly (readonly [Values, RegExp])[] = [
  [{ exporters: null }, /nowhere: no exporter is configured/],
  [{ state: { replicas: 1 } }, /fewer than two state agents/],
  [{ cluster: { name: '' } }, /cluster\.name is empty/],
  [{ podMonitor: { enabled: true } }, /every series exists twice/],
  [{ collectors: { ksm: { enabled: false } } }, /service account can read all pods/],
  [{ node: { hostNetwork: true }, networkPolicy: { enabled: true } }, /NetworkPolicy does not apply/],
  [{ exporters: { vm: { tls: { insecureSkipVerify: true } } } }, /accepts any certificate/],
  [{ exporters: { vm: { auth: { existingSecret: 'a' } } } }, /sends credentials over http:\/\//],
];

for (const [values, warning] of WARNINGS) {
  helmTest(`the notes warn of ${JSON.stringify(values)}`, () => {
    assert.match(notes(overlay(QUIET, values)), warning);
  });
}

helmTest('the notes contain no unfounded warnings', () => {
  const text = notes(QUIET);
  for (const [, warning] of WARNINGS) assert.doesNotMatch(text, warning);
});

helmTest('a secret in the values causes a warning, and is printed only in the Secret', () => {
  const text = notes(overlay(MINIMAL, { exporters: { vm: { auth: { bearerToken: 'hush-hush' } } } }));
  assert.match(text, /exporters\.vm\.auth contains a secret, which is readable/);
  assert.doesNotMatch(text, /hush-hush/);
});
