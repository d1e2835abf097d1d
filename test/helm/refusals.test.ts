import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { Pattern } from '../../src/config/re2/pattern.ts';
import { HelmError, overlay, render, story, type Values } from './chart.ts';
import { helmTest } from './helm-test.ts';
import { SCHEMA_TEXT, schemaErrors } from './values.ts';

const MINIMAL = story('minimal');

test('the schema refuses unknown keys by name', () => {
  const unknown: Readonly<Record<string, Values>> = {
    '/tiers': { tiers: 'restricted' },
    '/image/tagg': { image: { tagg: '1' } },
    '/exporters/vm/urll': { exporters: { vm: { urll: 'http://vm' } } },
    '/exporters/vm/auth/passwort': { exporters: { vm: { auth: { passwort: 'x' } } } },
    '/collectors/node/cpuu': { collectors: { node: { cpuu: {} } } },
    '/collectors/node/cpu/guests': { collectors: { node: { cpu: { guests: true } } } },
    '/collectors/ksm/resource': { collectors: { ksm: { resource: [] } } },
    '/state/hostPID': { state: { hostPID: true } },
    '/networkPolicy/enable': { networkPolicy: { enable: true } },
  };
  for (const [name, values] of Object.entries(unknown)) {
    assert.deepEqual(schemaErrors(overlay(MINIMAL, values)), [`${name}: must NOT have additional properties`]);
  }
});

test('the schema refuses values of the wrong type', () => {
  const wrong: Readonly<Record<string, Values>> = {
    '/tier': { tier: 'privileged' },
    '/push/interval': { push: { interval: 15 } },
    '/exporters/vm/type': { exporters: { vm: { type: 'prometheus' } } },
    '/collectors/ksm/resourcesExtra/0': { collectors: { ksm: { resourcesExtra: ['widgets'] } } },
    '/spool/maxBytes': { spool: { maxBytes: '256Mi' } },
    '/image/digest': { image: { digest: 'sha256:abc' } },
    '/http/port': { http: { port: 0 } },
  };
  for (const [name, values] of Object.entries(wrong)) {
    const errors = schemaErrors(overlay(MINIMAL, values));
    assert.ok(errors.length > 0 && errors.every((error) => error.startsWith(`${name}: must`)), `${name} ${errors}`);
  }
});

test('patterns of the schema are valid in Go, with which helm checks them', () => {
  const patterns = [...SCHEMA_TEXT.matchAll(/"pattern": ("(?:[^"\\]|\\.)*")/g)];
  assert.ok(patterns.length > 10);
  for (const [, pattern = ''] of patterns) new Pattern(JSON.parse(pattern) as string);
});

interface Refusal {
  readonly values: Values;
  /** The chart's message. */
  readonly problem: RegExp;
  /** The suggested values. */
  readonly write: string;
}

const auth = (values: Values): Values => ({ exporters: { vm: { auth: values } } });
const off = { enabled: false };

/** Invalid values that a schema cannot detect. */
const REFUSALS: readonly Refusal[] = [
  {
    values: { exporters: { vm: { url: '' } } },
    problem: /exporters\.vm\.url is missing/,
    write: 'exporters: { vm: { url: "http://victoria-metrics:8428" } }',
  },
  {
    values: auth({ existingSecret: 'a', bearerToken: 'b' }),
    problem: /exporters\.vm\.auth has both existingSecret and an inline secret/,
    write: 'exporters: { vm: { url: "http://victoria-metrics:8428", auth: { existingSecret: a } } }',
  },
  {
    values: auth({ username: 'me', bearerToken: 'b' }),
    problem: /exporters\.vm\.auth has both username and bearerToken/,
    write:
      'exporters: { vm: { url: "http://victoria-metrics:8428", auth: { username: me, existingSecret: my-secret } } }',
  },
  {
    values: auth({ password: 'b' }),
    problem: /exporters\.vm\.auth has a password, but no username/,
    write:
      'exporters: { vm: { url: "http://victoria-metrics:8428", auth: { username: firesteel, existingSecret: my-secret } } }',
  },
  {
    values: auth({ username: 'me' }),
    problem: /exporters\.vm\.auth names no secret/,
    write:
      'exporters: { vm: { url: "http://victoria-metrics:8428", auth: { username: me, existingSecret: my-secret } } }',
  },
  {
    values: auth({ usernameKey: 'user' }),
    problem: /exporters\.vm\.auth\.usernameKey is a key of existingSecret/,
    write:
      'exporters: { vm: { url: "http://victoria-metrics:8428", auth: { usernameKey: user, existingSecret: my-secret } } }',
  },
  {
    values: { localPush: { enabled: true } },
    problem: /localPush: no one can push/,
    write: 'localPush: { enabled: true, token: { existingSecret: my-secret } }',
  },
  {
    values: { localPush: { enabled: true, socket: { hostPath: '/run/push' } } },
    problem: /localPush\.socket: the kubelet creates \/run\/push for root only/,
    write: 'localPush: { enabled: true, socket: { hostPath: /run/push, prepared: true } }',
  },
  {
    values: { spool: { type: 'hostPath' } },
    problem: /spool\.type hostPath: .* uid 65534/,
    write: 'spool: { type: hostPath, hostPath: /var/lib/firesteel, prepared: true }',
  },
  {
    values: { collectors: { node: off, container: off, process: off, ksm: off } },
    problem: /collectors: all are disabled/,
    write: 'collectors: { node: { enabled: true } }',
  },
  {
    values: { collectors: { ksm: { resources: [] } } },
    problem: /collectors\.ksm: no resources remain/,
    write: 'collectors: { ksm: { enabled: false } }',
  },
  {
    values: { collectors: { ksm: { resourcesExclude: ['pods', 'jobs'] } } },
    problem: /collectors\.ksm: .* pods are not among the resources/,
    write: 'collectors: { ksm: { resourcesExtra: [pods], resourcesExclude: [jobs] } }',
  },
  {
    values: { collectors: { container: { identity: { source: 'state' } }, ksm: off } },
    problem: /identity\.source state: collectors\.ksm is disabled/,
    write: 'collectors: { container: { identity: { source: apiserver } } }',
  },
  {
    values: { rbac: { namespaced: true } },
    problem: /rbac\.namespaced needs the namespaces/,
    write: 'rbac: { namespaced: true }\ncollectors: { ksm: { namespaces: [default] } }',
  },
  {
    values: {
      rbac: { namespaced: true },
      collectors: { ksm: { namespaces: ['a'], resources: ['pods', 'nodes'], resourcesExclude: ['jobs'] } },
    },
    problem: /rbac\.namespaced: nodes are cluster-scoped/,
    write: 'collectors: { ksm: { resourcesExclude: [jobs, nodes] } }',
  },
  {
    values: {
      rbac: { namespaced: true },
      http: { podInfoAuth: { type: 'tokenReview' } },
      collectors: { ksm: { namespaces: ['a'], resources: ['pods'] } },
    },
    problem: /no Role can allow token reviews/,
    write: 'http: { podInfoAuth: { type: token, existingSecret: my-secret } }',
  },
  {
    values: { http: { tokens: { readKey: 'read' } } },
    problem: /http\.tokens names keys, but not the Secret/,
    write: 'http: { tokens: { existingSecret: my-secret, readKey: read, controlKey: "" } }',
  },
  {
    values: { http: { podInfoAuth: { type: 'token' } } },
    problem: /podInfoAuth\.type token needs the Secret/,
    write: 'http: { podInfoAuth: { type: token, existingSecret: my-secret } }',
  },
  {
    values: { node: { securityContext: { privileged: true } } },
    problem: /node\.securityContext: no collector needs privileged/,
    write: 'tier: extended\nnode: { securityContext: {} }',
  },
  {
    values: { state: { securityContext: { capabilities: { add: ['SYS_ADMIN'] } } } },
    problem: /state\.securityContext: no collector needs privileged, SYS_ADMIN/,
    write: 'tier: extended\nstate: { securityContext: {} }',
  },
  {
    values: { alerts: { exclude: ['FiresteelWatchdogDown', 'FiresteelEventLoopBlocked,FiresteelOops'] } },
    problem:
      /alerts\.exclude: there are no alerts FiresteelWatchdogDown, FiresteelOops\. The names are .*FiresteelEventLoopBlocked, /,
    write: 'alerts: { exclude: [FiresteelEventLoopBlocked] }',
  },
];

for (const { values, problem, write } of REFUSALS) {
  helmTest(`${JSON.stringify(values)} is refused with correct YAML`, () => {
    const text = refusal(values) ?? '';
    assert.match(text, problem);
    const printed = parse(text.split('\nWrite:\n')[1] ?? '') as Values;
    assert.deepEqual(printed, parse(write));
    assert.deepEqual(schemaErrors(overlay(MINIMAL, printed)), []);
    // On its own it may still lack something else, but no longer has this problem.
    assert.doesNotMatch(refusal(printed) ?? '', problem);
  });
}

/** The error of helm about values; undefined if it accepts them. */
function refusal(values: Values): string | undefined {
  try {
    render(overlay(MINIMAL, values));
    return undefined;
  } catch (cause) {
    if (cause instanceof HelmError) return cause.text;
    throw cause;
  }
}
