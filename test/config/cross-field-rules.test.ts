import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../src/commands/settings.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { TWO_CREDENTIALS } from '../../src/config/http-auth.ts';
import { scratchFolder } from '../kit/host-tree.ts';

// Rules about several settings at once. Each has a configuration that breaks only this one, and is refused for it; those of
// probes are tested with their options.

const SRC = join(import.meta.dirname, '../../src');

const receiver = (more: object) => ({ exporters: { vm: { type: 'vmagent', url: 'http://vm:8428', ...more } } });
const ksm = (more: object) => ({ collectors: { ksm: { enabled: true, ...more } } });
const target = (more: object) => ({ scrape: { targets: [{ job: 'a', urls: ['http://a/metrics'], ...more }] } });
const pair = 'certFile and keyFile must be set together';

/** Broken configurations by the file of the rule, each with the setting and the message of the problem. */
const CASES: Readonly<Record<string, readonly (readonly [config: object, setting: string, message: string])[]>> = {
  'config/election-section.ts': [
    [{ election: { leaseDuration: '10s' } }, 'election.renewDeadline', 'must be less than leaseDuration'],
    [{ election: { retryPeriod: '10s' } }, 'election.retryPeriod', 'must be less than renewDeadline'],
  ],
  'config/schema.ts': [
    [{ labels: { job: 'a' } }, 'labels', 'job and instance are set by identity, separately for each group'],
  ],
  'config/http-auth.ts': [
    [target({ auth: { username: 'me' } }), 'scrape.targets.0.auth', 'username and passwordFile must be set together'],
    [
      target({ auth: { passwordFile: '/p' } }),
      'scrape.targets.0.auth',
      'username and passwordFile must be set together',
    ],
  ],
  'config/scrape-schema.ts': [
    [target({ tls: { certFile: '/c' } }), 'scrape.targets.0.tls', pair],
    [target({ tls: { keyFile: '/k' } }), 'scrape.targets.0.tls', pair],
  ],
  'config/http-section.ts': [
    [
      { http: { podInfoTokenFile: '/t', podInfoTokenReview: {} } },
      'http',
      'podInfoTokenFile and podInfoTokenReview are mutually exclusive',
    ],
  ],
  'config/local-push-section.ts': [
    [{ localPush: { enabled: true } }, 'localPush', 'needs a tokenFile for pushes to http.listen, or a socket'],
  ],
  'config/sources-section.ts': [
    [{ sources: [{ name: 'a' }] }, 'sources.0', 'needs either directory or url'],
    [{ sources: [{ name: 'a', directory: '/d', url: 'http://a/' }] }, 'sources.0', 'needs either directory or url'],
  ],
  'exporters/http/settings.ts': [
    [
      receiver({ auth: { username: 'me', usernameFile: '/u', passwordFile: '/p' } }),
      'exporters.vm.auth',
      'set either username or usernameFile, not both',
    ],
    [receiver({ auth: { usernameFile: '/u' } }), 'exporters.vm.auth', 'username and passwordFile must be set together'],
    [receiver({ auth: { passwordFile: '/p' } }), 'exporters.vm.auth', 'username and passwordFile must be set together'],
    [
      receiver({ auth: { username: 'me', passwordFile: '/p', bearerTokenFile: '/t' } }),
      'exporters.vm.auth',
      TWO_CREDENTIALS,
    ],
    [
      receiver({ auth: { usernameFile: '/u', passwordFile: '/p', bearerTokenFile: '/t' } }),
      'exporters.vm.auth',
      TWO_CREDENTIALS,
    ],
    [receiver({ tls: { certFile: '/c' } }), 'exporters.vm.tls', pair],
    [receiver({ tls: { keyFile: '/k' } }), 'exporters.vm.tls', pair],
  ],
  'collectors/log/section.ts': [
    [
      { collectors: { snmp: { enabled: true } } },
      'collectors.snmp',
      'needs communityFiles or users: traps of unknown senders are refused',
    ],
  ],
  'collectors/log/options.ts': [
    [
      { collectors: { journal: { rules: [{ name: 'a', pattern: '(?P<rule>a)' }] } } },
      'collectors.journal.rules.0.pattern',
      'a group cannot be named rule: the label already exists',
    ],
  ],
  'collectors/log/snmp/options.ts': [
    [
      { collectors: { snmp: { names: { linkDown: 'down' } } } },
      'collectors.snmp.names',
      'expected OIDs in digits, such as 1.3.6.1.4.1.9.9.41.2.0.1',
    ],
  ],
  'collectors/ksm/section.ts': [
    [ksm({ pod: 'a-0' }), 'collectors.ksm', 'pod and podNamespace must be set together'],
    [
      ksm({ pod: 'a-0', podNamespace: 'a', totalShards: 2 }),
      'collectors.ksm',
      'pod sets shard and totalShards: do not set them as well',
    ],
  ],
  'collectors/ksm/options.ts': [
    [
      ksm({ metricAllowlist: ['a'], metricDenylist: ['b'] }),
      'collectors.ksm',
      'metricAllowlist and metricDenylist are mutually exclusive',
    ],
    [
      ksm({ node: 'a', trackUnscheduledPods: true }),
      'collectors.ksm.trackUnscheduledPods',
      'node and trackUnscheduledPods are mutually exclusive',
    ],
    [ksm({ shard: 1, totalShards: 1 }), 'collectors.ksm.shard', 'shard starts at 0 and must be less than totalShards'],
  ],
  'collectors/sections.ts': [
    [
      { collectors: { event: { enabled: true } } },
      'collectors.event',
      'events are counted by state agents: set collectors.ksm.enabled as well',
    ],
  ],
  'pods/options.ts': [
    [
      { collectors: { container: { identity: { source: 'state' } } } },
      'collectors.container.identity.url',
      'source: state requires the URL of the state agents',
    ],
  ],
  'commands/settings.ts': [
    [
      { logs: { snmp: { enabled: true } } },
      'logs.snmp',
      'traps are received by a collector: set collectors.snmp.enabled as well',
    ],
    [
      { logs: { events: { enabled: true } } },
      'logs.events',
      'events are watched by a collector: set collectors.event.enabled and collectors.ksm.enabled as well',
    ],
  ],
};

/** Headers that a request has already; another value would make it a different one. */
const FRAMING = [
  ...['connection', 'content-encoding', 'content-length', 'expect', 'Host', 'keep-alive', 'proxy-authorization'],
  ...['proxy-connection', 'TE', 'trailer', 'transfer-encoding', 'upgrade'],
];

for (const name of FRAMING) {
  test(`the header ${name} cannot be configured`, () => {
    for (const headers of [{ headers: { [name]: 'x' } }, { headerFiles: { [name]: '/x' } }]) {
      const set = [`exporters=${JSON.stringify(receiver(headers).exporters)}`];
      assert.throws(() => loadSettings({ set }, {}), /the agent sets this header itself/);
    }
  });
}

for (const [file, cases] of Object.entries(CASES)) {
  for (const [config, setting, message] of cases) {
    test(`${JSON.stringify(config)} is refused by a rule of ${file}`, (t) => {
      const path = join(scratchFolder(t), 'firesteel.json');
      writeFileSync(path, JSON.stringify(config));
      assert.throws(
        () => loadSettings({ config: path }, {}),
        (cause) => {
          assert.ok(cause instanceof ConfigError, String(cause));
          const found = cause.problems.filter((problem) => problem.includes(message));
          assert.equal(found.length, 1, cause.problems.join('\n'));
          assert.ok(found[0]?.includes(setting), found[0] ?? message);
          return true;
        },
      );
    });
  }
}

test('each rule about several settings has such a configuration', () => {
  const RULE = /\.refine\(\s*\(\{?[^'`]*?\berror: (?:'([^'\n]*)'|([A-Z_]+))/g;
  const texts: Readonly<Record<string, string>> = { TWO_CREDENTIALS };
  const untried = globSync('**/*.ts', { cwd: SRC, exclude: ['tasks/**'] }).flatMap((file) => {
    const rules = [...readFileSync(join(SRC, file), 'utf8').matchAll(RULE)];
    const tried = new Set(CASES[file]?.map(([, , message]) => message));
    return rules
      .map(([, text, constant = '']) => text ?? texts[constant] ?? constant)
      .filter((message) => !tried.has(message))
      .map((message) => `${file}: ${message}`);
  });
  assert.deepEqual(untried, []);
});
