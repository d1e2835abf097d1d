import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import { collectOnce } from '../../kit/collect.ts';
import { fixture, fixturePaths } from '../../kit/host-tree.ts';
import { difference, nameOf, samplesOf } from '../../kit/samples.ts';

// node_exporter's end-to-end fixtures: what its own binary prints for this tree (see test/fixtures/node/README.md).
const expected = samplesOf(readFileSync(fixture('node/expected.prom'), 'utf8'));

/** The flags of node_exporter's end-to-end test, as our options. */
const OPTIONS: Readonly<Record<string, object>> = {
  cpu: {
    infoFlagsInclude: '^(aes|avx.?|constant_tsc)$',
    infoBugsInclude: '^(cpu_meltdown|spectre_.*|mds)$',
  },
  netclass: { ignoredDevices: '(dmz|int)', ignoreInvalidSpeed: true },
  stat: { softirq: true },
  sysctl: {
    include: ['fs.file-nr', 'fs.file-nr:total,current,max', 'kernel.threads-max'],
    includeInfo: ['kernel.seccomp.actions_avail'],
  },
  textfile: { directory: fixture('node/textfile/two_metric_files') },
};

/** Collectors whose family names come from the files. */
const DYNAMIC: Readonly<Record<string, RegExp>> = {
  bcachefs: /^node_bcachefs_/,
  lnstat: /^node_lnstat_/,
  meminfo: /^node_memory_(?!numa_)/,
  meminfo_numa: /^node_memory_numa_/,
  netstat: /^node_netstat_/,
  sockstat: /^node_sockstat_/,
  vmstat: /^node_vmstat_/,
  sysctl: /^node_sysctl_/,
  hwmon: /^node_hwmon_/,
  textfile: /^(testmetric|node_textfile_)/,
};

/** Families of a collector that the recorded run does not read from the tree. */
const NOT_HERE: Readonly<Record<string, RegExp>> = {
  cpufreq: /^node_cpu_frequency_hertz$/, // all recorded ones are the cpu collector's
  qdisc: /^node_qdisc_/, // a list of JSON objects instead of netlink's response
  textfile: /^node_textfile_mtime_seconds$/,
  time: /^node_time_(seconds|zone_offset_seconds)$/,
  wifi: /^node_wifi_/, // a list of JSON objects instead of netlink's response
};

const claimed = new Set<string>();

for (const spec of nodeCollectors) {
  const names = new Set(spec.families.map((family) => family.name));
  const isHere = ([series]: [string, number]) => !NOT_HERE[spec.name]?.test(nameOf(series));
  const isOurs = ([series]: [string, number]) =>
    names.has(nameOf(series)) || (DYNAMIC[spec.name]?.test(nameOf(series)) ?? false);
  const wanted = new Map([...expected].filter(isOurs).filter(isHere));
  if (wanted.size === 0) continue;
  for (const series of wanted.keys()) claimed.add(series);
  test(`${spec.name} has node_exporter's samples`, async () => {
    const { lines, result } = await collectOnce(spec, fixturePaths(), OPTIONS[spec.name] ?? {});
    assert.deepEqual(result.errors, []);
    const samples = new Map([...samplesOf(`${lines.join('\n')}\n`)].filter(isHere));
    assert.deepEqual(difference(samples, wanted), []);
  });
}

/** Recorded samples that none of our collectors has to produce. */
const NOT_OURS: readonly { readonly name: RegExp; readonly reason: string }[] = [
  { name: /^node_wifi_/, reason: 'recorded from a stand-in for netlink; wifi.test.ts converts it to messages' },
  { name: /^node_qdisc_/, reason: 'recorded from a stand-in for netlink; live-network.test.ts compares this host' },
  { name: /^node_cpu_frequency_hertz$/, reason: 'claimed by cpu, which emits it when info is on' },
  { name: /^node_scrape_collector_success$/, reason: 'a report on all collectors; process.test.ts checks it' },
];

test('every recorded sample is claimed by a collector, except those listed', () => {
  const left = [...expected.keys()].filter(
    (series) => !claimed.has(series) && !NOT_OURS.some(({ name }) => name.test(nameOf(series))),
  );
  assert.deepEqual(left, []);
});
