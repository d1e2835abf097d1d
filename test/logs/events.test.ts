import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EventTally } from '../../src/collectors/event/tally.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import type { EventObject } from '../../src/kube/event.ts';
import { eventEntry } from '../../src/logs/event/event-source.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { JournalRemote } from '../kit/journal-remote.ts';
import { serverAvailable } from '../kit/servers.ts';
import { StateAgents } from '../kit/state-agents.ts';
import { until } from '../kit/until.ts';

const EVENTS = '/api/v1/events';

const event = (name: string, count: number): EventObject => ({
  ...{ metadata: { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion: '7' } },
  ...{ type: 'Warning', reason: 'BackOff', message: `Back-off of ${name}, token=hunter2`, count },
  ...{ firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-02T00:00:00Z' },
  involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'u-1', apiVersion: 'v1' },
  source: { component: 'kubelet' },
});

test('the entry of an event has its object as fields', () => {
  const entry = eventEntry([event('a', 5), 2, 1], { cluster: 'c1' });
  assert.equal(entry.message, 'Back-off of a, token=hunter2');
  assert.equal(entry.timeUs, Date.UTC(2026, 0, 2) * 1000);
  assert.equal(entry.priority, 4);
  assert.equal(entry.cursor, 'e=uid-a;v=7');
  assert.deepEqual(entry.labels, { cluster: 'c1', namespace: 'shop', kind: 'Pod', reason: 'BackOff' });
  assert.deepEqual(Object.fromEntries(entry.fields), {
    ...{ type: 'Warning', event_name: 'a', event_uid: 'uid-a', component: 'kubelet', count: '5', occurrences: '2' },
    ...{ object_kind: 'Pod', object_name: 'web-1', object_uid: 'u-1', object_api_version: 'v1' },
    ...{ first_time: '2026-01-01T00:00:00Z', reason: 'BackOff' },
  });
  const bare = eventEntry([{ reason: 'no word' }, 1, 1_000_001], {});
  assert.deepEqual([bare.message, bare.timeUs, bare.labels], ['', 1_000_001, {}]);
});

test('only a leader passes on events, including those that the previous one had not pushed', () => {
  const seen: string[] = [];
  const tally = new EventTally({
    ...{ maxSeries: 100, withComponent: false, handsOver: true, wants: ({ reason }) => reason !== 'Pulled' },
    onCounted: ({ metadata }, by) => seen.push(`${metadata?.name} ${by}`),
  });
  tally.listed();
  const see = (name: string, version: number, count: number, reason = 'BackOff') => {
    const about = { uid: name, version, createdSeconds: 1000 };
    const occurrence = { type: 'Warning', namespace: 'shop', kind: 'Pod', reason, component: '', count };
    tally.upsert(name, about, { ...occurrence, lastSeconds: 1000 }, event(name, count));
  };
  see('a', 1, 1);
  see('b', 2, 3);
  assert.deepEqual(seen, []);
  tally.begin({ version: 1, seconds: 1000 });
  assert.deepEqual(seen, ['b 3']);
  see('a', 3, 4);
  see('a', 4, 4);
  see('c', 5, 1, 'Pulled');
  assert.deepEqual(seen, ['b 3', 'a 3']);
  tally.end();
  see('a', 6, 5);
  assert.deepEqual(seen, ['b 3', 'a 3']);
});

test('shipping of events requires the collectors and a spool', () => {
  const problems = (set: string[]) => {
    try {
      loadSettings({ set: ['logs.events.enabled=true', ...set] }, {});
    } catch (cause) {
      return String(cause);
    }
    return '';
  };
  const watched = ['collectors.ksm.enabled=true', 'collectors.event.enabled=true'];
  assert.match(problems(watched), /logs.events.enabled: needs spool.path/);
  assert.match(problems(['spool.path=/s']), /set collectors.event.enabled and collectors.ksm.enabled as well/);
  assert.equal(problems(['spool.path=/s', ...watched]), '');
});

test('events reach a receiver that was down when they occurred, also if the leader is killed', async (context) => {
  if (!serverAvailable(context, 'systemd-journal-remote')) return;
  const [spool, target] = [scratchFolder(context), scratchFolder(context)];
  mkdirSync(join(target, 'received'));
  const remote = await JournalRemote.start(context, join(target, 'received'));
  await remote.stop();
  const agents = await StateAgents.start(context, [
    ...['--push.interval', '1s', '--set', 'collectors.event.enabled=true', '--set', `spool.path=${spool}`],
    ...['--set', `exporters.remote=${JSON.stringify({ type: 'journald', url: remote.url })}`],
    ...['--set', 'logs.events.enabled=true', '--set', `logs.redact=${JSON.stringify([{ pattern: 'hunter2' }])}`],
  ]);
  agents.cluster.collection(EVENTS, 'Event');
  const began = performance.now();
  const leader = await agents.add('state-0');
  await agents.pushes('state-0', began);
  const names = Array.from({ length: 10 }, (_, number) => `e${number}`);
  for (const name of names) agents.cluster.put(EVENTS, event(name, 1));
  const folder = join(spool, '.logs/remote/event-queue');
  const queued = () =>
    readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('');
  await until(() => queued().split('\n').length > names.length, queued, 60_000);
  assert.doesNotMatch(queued(), /hunter2/);
  leader.child.kill('SIGKILL');
  await remote.start();
  await agents.add('state-0');
  const received = () => new Set(remote.received('MESSAGE').map(([message]) => message));
  await until(() => received().size >= names.length, undefined, 60_000);
  assert.deepEqual(
    [...received()].sort(),
    names.map((name) => `Back-off of ${name}, token=***`),
  );
});
