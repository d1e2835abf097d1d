import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, ThrottledLog } from '../../src/base/log.ts';
import { bindCollector, type CollectorSpec, defineCollector, NO_OPTIONS } from '../../src/collectors/collector.ts';
import { knownLoss, lossText } from '../../src/collectors/known-losses.ts';
import { type Capability, capabilitiesIn } from '../../src/host/capabilities.ts';
import { DeniedFile, WrongNamespace } from '../../src/host/errors.ts';
import { Host } from '../../src/host/host.ts';
import { SeriesBudget } from '../../src/metrics/budget.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { PushCycle } from '../../src/push/cycle.ts';
import { hostTree } from '../kit/host-tree.ts';

const NONE: ReadonlySet<Capability> = new Set();
const ALL: ReadonlySet<Capability> = new Set(['SYS_PTRACE', 'DAC_READ_SEARCH']);

/** The error of a unit, as stored in snapshots. */
const lost = (unit: string, cause: Error) => new Error(`${unit}: ${cause.message}`, { cause });

test('a file denied for lack of a capability is a known loss, but not for a fully privileged agent', () => {
  const error = lost('io of 12 processes, one of them', new DeniedFile('/proc/4711/io'));
  const known = knownLoss('process.process', error, NONE);
  assert.equal(
    known && lossText(known),
    'bytes read and written by processes of other users: needs SYS_PTRACE and DAC_READ_SEARCH',
  );
  assert.equal(knownLoss('process.process', error, ALL), undefined);
  assert.equal(knownLoss('node.textfile', error, NONE), undefined);
  assert.equal(knownLoss('process.process', lost('io of a process', new Error('EIO')), NONE), undefined);
});

test('a loss caused by a namespace is known whatever the capabilities; its text names the setting', () => {
  const error = lost('net.core.somaxconn', new WrongNamespace('/proc/sys/net/core/somaxconn is of another'));
  const known = knownLoss('node.sysctl', error, ALL);
  assert.equal(known && lossText(known), 'settings of the network: needs node.hostNetwork');
});

test('capabilities are read from the line CapEff', () => {
  assert.deepEqual([...capabilitiesIn('CapPrm:\t0000000000000000\nCapEff:\t0000000000080004\n')].sort(), [
    'DAC_READ_SEARCH',
    'SYS_PTRACE',
  ]);
  assert.deepEqual([...capabilitiesIn('CapEff:\t0000000000000000\n')], []);
});

/** A worst-case collector: counts, process ids and paths differ in each cycle. */
function unlucky(context: Parameters<typeof hostTree>[0]) {
  let cycle = 0;
  const spec = defineCollector({
    name: 'network_route',
    enabled: true,
    summary: '',
    options: NO_OPTIONS,
    families: [],
    create: () => (out) => {
      cycle++;
      out.lose('routes', new WrongNamespace(`netlink asks another network, pid ${cycle}`));
      for (let device = 0; device < 20; device++) {
        out.lose(`/kubepods/pod3307863b-88df-4b68-8327-${String(cycle).padStart(12, '0')}`, new Error(`EIO ${device}`));
      }
    },
  });
  const world = { host: new Host(hostTree(context, {})), now: Date.now };
  return bindCollector('node', spec as unknown as CollectorSpec, world, {});
}

test('an hour of losses with changing numbers logs at most 20 lines; a known loss is logged once', async (context) => {
  const lines: string[] = [];
  let now = 1_795_182_606_260;
  const log = new ThrottledLog(createLog('info', { write: (line: string) => lines.push(line) }), () => now);
  const registry = new AgentRegistry();
  registry.addProducer(unlucky(context));
  const budget = new SeriesBudget(() => ({}) as never);
  const cycle = new PushCycle({ registry, exporters: () => [], budget, now: () => now, log } as never);
  for (let count = 0; count < 240; count++) {
    await cycle.run(5000);
    now += 15_000;
  }
  assert.ok(lines.length <= 20, `${lines.length} lines`);
  assert.equal(lines.filter((line) => line.includes('routes: needs node.hostNetwork')).length, 1);
  assert.ok(lines.some((line) => line.includes('"alike":20')));
});
