import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PartialLines, runtimeLine } from '../../../src/collectors/log/runtime-line.ts';
import { collectorsSection } from '../../../src/collectors/sections.ts';
import type { PodInfo } from '../../../src/kube/pod-info.ts';
import { LogGroup, totalOf } from '../../kit/log-group.ts';

/** A line in containerd's format. */
const cri = (text: string, tag = 'F', stream = 'stdout') => `2026-11-29T10:00:00.123456789Z ${stream} ${tag} ${text}\n`;
const docker = (text: string) => `${JSON.stringify({ log: text, stream: 'stderr', time: '2026-11-29T10:00:00.1Z' })}\n`;

function pod(name: string, logs: string | undefined, more: Partial<PodInfo> = {}): PodInfo {
  const container = (one: string) => ({
    ...{ name: one, id: `containerd://${name}-${one}`, image: '', imageID: '', type: 'app' as const },
    ...{ restartCount: 0, state: 'running' as const },
  });
  return {
    ...{ namespace: 'shop', name, uid: `uid-${name}`, phase: 'Running', podIP: '', hostIP: '', hostNetwork: false },
    ...{ qosClass: '', startTime: '', ownerKind: '', ownerName: '', workloadKind: '', workloadName: '', labels: {} },
    ...(logs !== undefined && { annotations: { 'firesteel.io/logs': logs } }),
    containers: [container('app'), container('proxy')],
    ...more,
  };
}

const RULES = [
  { metric: 'errors_total', pattern: 'ERROR' },
  { metric: 'answers_total', pattern: 'status=(?P<status>\\d+)', labels: ['status'] },
];

/** A node: its pods, the files of their logs, and runs of an agent that follows them. */
class Node {
  readonly folder: string;
  readonly clock = { ms: Date.now() };
  answered: ReadonlyMap<string, PodInfo> | undefined;
  group: LogGroup | undefined;
  readonly #source;

  constructor(context: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), 'firesteel-pods-'));
    const answered = () => this.answered;
    this.#source = {
      find: () => undefined,
      findPod: () => undefined,
      get answered() {
        return answered();
      },
    };
    context.after(() => {
      this.group?.stop();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  has(...pods: readonly PodInfo[]): void {
    this.answered = new Map(pods.map((one) => [one.uid, one]));
  }

  /** Appends to the log of a container. */
  write(name: string, text: string, file = 'app/0.log'): string {
    const path = join(this.folder, 'pods', `shop_${name}_uid-${name}`, file);
    mkdirSync(join(path, '..'), { recursive: true });
    appendFileSync(path, text);
    return path;
  }

  async start(options: object = {}): Promise<void> {
    const world = {
      folder: join(this.folder, 'state'),
      now: () => this.clock.ms,
      pods: this.#source,
    };
    const containers = { enabled: true, path: join(this.folder, 'pods'), rules: RULES, start: 'beginning', ...options };
    const sections = { log: { enabled: true, poll: '60s', containers } } as Parameters<typeof LogGroup.start>[0];
    this.group = await LogGroup.start(sections, world);
  }

  async cycle(): Promise<ReadonlyMap<string, number>> {
    this.clock.ms += 15_000;
    return (await this.group?.cycle()) ?? new Map();
  }

  get errors(): string[] {
    return (this.group?.results ?? []).flatMap(({ errors }) => errors.map(({ message }) => message));
  }
}

const of = (name: string, container = 'app') => `{namespace="shop",pod="${name}",container="${container}"}`;

test('parses lines of runtimes as they write them', () => {
  const cases: readonly [string, string, string, boolean][] = [
    [cri('hello world').trimEnd(), 'hello world', 'stdout', false],
    [cri('', 'F', 'stderr').trimEnd(), '', 'stderr', false],
    [cri('part', 'P').trimEnd(), 'part', 'stdout', true],
    [cri('tagged', 'P:x:y').trimEnd(), 'tagged', 'stdout', true],
    ['2026-11-29T11:00:00.5+01:00 stderr F zone', 'zone', 'stderr', false],
    [docker('text\n').trimEnd(), 'text', 'stderr', false],
    [docker('part').trimEnd(), 'part', 'stderr', true],
    ['{"log":1}', '{"log":1}', '', false],
    ['{not json', '{not json', '', false],
    ['2026-11-29T10:00:00Z stdlog F x', '2026-11-29T10:00:00Z stdlog F x', '', false],
    ['2026-11-29T10:00:00Z stdout X x', '2026-11-29T10:00:00Z stdout X x', '', false],
    ['', '', '', false],
  ];
  for (const [line, text, stream, isPartial] of cases) {
    assert.deepEqual(runtimeLine(line), { text, stream, isPartial }, line);
  }
});

test('unread bytes of a log and logs that cannot be read are counted for the container', async (context) => {
  const node = new Node(context);
  node.has(pod('web', 'true'));
  await node.start();
  const path = node.write('web', `${cri('one')}unfinished`);
  const loop = join(path, '../1.log');
  symlinkSync(loop, loop);
  await node.cycle();
  truncateSync(path, 0);
  const samples = await node.cycle();
  assert.equal(samples.get('container_log_lines_total{namespace="shop",pod="web",container="app"}'), 1);
  assert.equal(samples.get('container_log_lost_bytes_total{namespace="shop",pod="web",container="app"}'), 10);
  assert.equal(
    samples.get('container_log_errors_total{namespace="shop",pod="web",container="app"}'),
    2,
    'once per cycle',
  );
});

test('partial lines are joined by stream and container, and cut at 64 KiB', () => {
  const lines = new PartialLines();
  const part = (text: string, stream = 'stdout') => ({ text, stream, isPartial: true });
  const end = (text: string, stream = 'stdout') => ({ text, stream, isPartial: false });
  assert.equal(lines.join('a', part('one ')), undefined);
  assert.equal(lines.join('a', part('err ', 'stderr')), undefined);
  assert.equal(lines.join('b', end('other')), 'other');
  assert.equal(lines.join('a', end('two')), 'one two');
  assert.equal(lines.join('a', end('three')), 'three');
  const after = new PartialLines();
  after.restore(JSON.parse(JSON.stringify(lines.dump())));
  assert.equal(after.join('a', end('end', 'stderr')), 'err end');
  for (let index = 0; index < 100; index++) lines.join('a', part('x'.repeat(10_000)));
  assert.equal(lines.join('a', end('y'))?.length, 64 * 1024);
  for (let index = 0; index < 10_000; index++) lines.join(`writer ${index}`, part('x'));
  assert.ok(Object.keys(lines.dump() as object).length <= 200);
});

test('pods opt in by annotation: all containers or some, with their names as labels', async (context) => {
  const node = new Node(context);
  await node.start();
  node.write('all', cri('ERROR status=500') + cri('ok'));
  node.write('all', docker('ERROR\n'), 'proxy/0.log');
  node.write('some', cri('ERROR'));
  node.write('some', cri('ERROR'), 'proxy/3.log');
  node.write('none', cri('ERROR'));
  node.write('off', cri('ERROR'));
  // Until the pods are known nothing is read, and no state is discarded.
  assert.equal(totalOf(await node.cycle(), 'container_log_lines_total'), 0);
  node.has(pod('all', 'true'), pod('some', 'proxy, unknown'), pod('none', undefined), pod('off', 'false'));
  const samples = await node.cycle();
  assert.deepEqual(node.errors, []);
  assert.equal(samples.get(`container_log_lines_total${of('all')}`), 2);
  assert.equal(samples.get(`errors_total${of('all', 'proxy')}`), 1);
  assert.equal(samples.get(`errors_total${of('some', 'proxy')}`), 1);
  assert.equal(samples.get('answers_total{namespace="shop",pod="all",container="app",status="500"}'), 1);
  assert.equal(totalOf(samples, 'errors_total'), 3);
  assert.equal(samples.get('container_log_files'), 3);
  assert.equal(samples.get('container_log_lag_bytes'), 0);
});

test('rotation by the kubelet, restarts of a container and partial lines across a restart of the agent count once', async (context) => {
  const node = new Node(context);
  node.has(pod('web', 'true'));
  await node.start();
  const path = node.write('web', cri('ERROR 1') + cri('ERR', 'P'));
  assert.equal(totalOf(await node.cycle(), 'errors_total'), 1);
  node.group?.stop();
  await node.start();
  // The part is in the state file: its end completes it after a rotation.
  appendFileSync(path, cri('x', 'F', 'stderr'));
  renameSync(path, `${path}.20261129-101500`);
  writeFileSync(`${path}.20261129-100000.gz`, 'ERROR compressed\n');
  node.write('web', cri('OR 2') + cri('ERROR 3'));
  assert.equal(totalOf(await node.cycle(), 'errors_total'), 3);
  node.write('web', cri('ERROR 4'), 'app/1.log');
  let samples = await node.cycle();
  assert.equal(samples.get(`errors_total${of('web')}`), 4);
  assert.equal(samples.get(`container_log_lines_total${of('web')}`), 5);
  node.group?.stop();
  await node.start();
  samples = await node.cycle();
  assert.equal(samples.get(`errors_total${of('web')}`), 4);
  assert.deepEqual(node.errors, []);
});

test('series of a pod end with it, after its last lines; a pod that opts in later is followed from then on', async (context) => {
  const node = new Node(context);
  node.has(pod('a', 'true'), pod('late', undefined));
  await node.start();
  node.write('a', cri('ERROR 1'));
  node.write('late', cri('ERROR before it asked'));
  assert.equal(totalOf(await node.cycle(), 'errors_total'), 1);
  // The last lines of a deleted pod, and a pod that opts in now.
  node.write('a', cri('ERROR 2'));
  node.has(pod('late', 'true'));
  let samples = await node.cycle();
  assert.equal(samples.get(`errors_total${of('a')}`), 2);
  node.write('late', cri('ERROR after'));
  rmSync(join(node.folder, 'pods', 'shop_a_uid-a'), { recursive: true });
  samples = await node.cycle();
  samples = await node.cycle();
  assert.equal(samples.has(`errors_total${of('a')}`), false);
  assert.equal(samples.get(`errors_total${of('late')}`), 1);
  // A pod that opts out is no longer followed immediately.
  node.has(pod('late', 'false'));
  await node.cycle();
  node.write('late', cri('ERROR unwanted'));
  samples = await node.cycle();
  assert.equal(samples.has(`errors_total${of('late')}`), false);
  assert.equal(samples.get('container_log_files'), 0);
});

test('a pod of the same name continues its series, and invalid names never become a path', async (context) => {
  const node = new Node(context);
  const again = pod('db-0', 'true', { uid: 'uid-2' });
  node.has(pod('db-0', 'true'));
  await node.start();
  node.write('db-0', cri('ERROR'));
  await node.cycle();
  const other = join(node.folder, 'pods', 'shop_db-0_uid-2', 'app');
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, '0.log'), cri('ERROR'));
  node.has(again);
  let samples = await node.cycle();
  for (let round = 0; round < 3; round++) samples = await node.cycle();
  assert.equal(samples.get(`errors_total${of('db-0')}`), 2);
  writeFileSync(join(node.folder, 'secret.log'), 'ERROR\n');
  const outside = pod('../..', 'true', {
    namespace: '..',
    uid: '../x',
    containers: [{ ...again.containers[0], name: '../..' } as never],
  });
  node.has(again, outside, pod('x', 'true', { uid: '*' }));
  samples = await node.cycle();
  assert.equal(totalOf(samples, 'errors_total'), 2);
});

test('files and series are bounded', async (context) => {
  const node = new Node(context);
  const pods = Array.from({ length: 30 }, (_, index) => pod(`p${index}`, 'app'));
  node.has(...pods);
  const rules = [{ metric: 'ids_total', pattern: 'id=(?P<id>\\d+)', labels: ['id'], maxSeries: 10 }];
  await node.start({ maxFiles: 20, rules });
  for (const { name } of pods) node.write(name, cri('id=1') + cri('id=2'));
  const samples = await node.cycle();
  assert.equal(samples.get('container_log_files'), 20);
  assert.match(node.errors.join(), /10 log files beyond maxFiles are not followed/);
  assert.equal(totalOf(samples, 'ids_total'), 40);
  assert.equal([...samples.keys()].filter((key) => key.startsWith('ids_total')).length, 11);
});

test('a metric of both files and containers, or a reserved label, is rejected', () => {
  const rule = { metric: 'same_total', pattern: 'x' };
  const parse = (containers: object) =>
    collectorsSection.safeParse({ log: { enabled: true, files: [{ paths: ['/x'], rules: [rule] }], containers } });
  assert.equal(parse({ enabled: true, rules: [{ metric: 'other_total', pattern: 'x' }] }).success, true);
  assert.match(String(parse({ rules: [rule] }).error), /another rule defines same_total/);
  assert.match(String(parse({ rules: [{ pattern: '(?P<pod>x)', labels: ['pod'] }] }).error), /reserved labels/);
  assert.match(String(parse({ rules: [{ metric: 'log_lines_total', pattern: 'x' }] }).error), /metric of this agent/);
});
