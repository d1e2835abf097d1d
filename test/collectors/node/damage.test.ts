import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindCollector } from '../../../src/collectors/collector.ts';
import { nodeCollectors } from '../../../src/collectors/node/index.ts';
import type { HostPaths } from '../../../src/host/paths.ts';
import { findFaults, type Leniency } from '../../kit/damage.ts';
import { fixture, fixturePaths } from '../../kit/host-tree.ts';

// Every collector on the fixture tree, one file damaged at a time: never a success from which a family has vanished, never
// another value for what the damage did not touch. fuzz.test.ts damages many files at once and looks for crashes only.

/** Another seed finds other things: FUZZ_SEED=7 node --test test/collectors/node/damage.test.ts */
const SEED = process.env.FUZZ_SEED ?? '1';
const BUDGET_MS = 40_000 / nodeCollectors.length;

/** Options without which a collector reads nothing, or not everything. */
const OPTIONS: Readonly<Record<string, object>> = {
  cpu: { infoFlagsInclude: '.', infoBugsInclude: '.' },
  arp: { netlink: false },
  netdev: { netlink: false },
  stat: { softirq: true },
  sysctl: { include: ['fs.file-nr', 'kernel.threads-max'], includeInfo: ['kernel.seccomp.actions_avail'] },
  vmstat: { fields: '.' },
};

/** What asks the live kernel or a bus, and reads no file of the host; textfile reads those of users in its own way. */
const WITHOUT_FILES: readonly string[] = ['ethtool', 'network_route', 'qdisc', 'systemd', 'textfile', 'timex', 'wifi'];
/** What reads files that the fixture tree does not have; tests of their own have some. */
const WITHOUT_FIXTURE: readonly string[] = ['drm', 'selinux', 'tcpstat', 'uname'];

/** What the tree has beside it. */
const PATHS: Readonly<Record<string, Partial<HostPaths>>> = { netdev: { procfs: fixture('node/extra/netdev/proc') } };

const LENIENCY: Readonly<Record<string, Leniency>> = {
  // Asked by a system call; what it answers changes by itself.
  filesystem: { live: /^node_filesystem_(?!readonly|device_error|mount_info)/ },
  // Two mounts at one point: a cut address is another address, and without the line it is that of the other mount.
  mountstats: { skip: /mountinfo:[67] (?:cut|truncated)/ },
  lnstat: { isPositional: true },
  softnet: { isPositional: true },
};

for (const spec of nodeCollectors) {
  test(`${spec.name} says what damage has cost`, async (t) => {
    const options = spec.options.parse(OPTIONS[spec.name] ?? {});
    const { wrong, runs, files } = await findFaults(
      (host) => bindCollector('node', spec, { host, now: () => 1_795_224_360_084 }, options),
      { ...fixturePaths(), ...PATHS[spec.name] },
      `${SEED} ${spec.name}`,
      BUDGET_MS,
      LENIENCY[spec.name],
    );
    t.diagnostic(`seed ${SEED}, ${files} files, ${runs} runs`);
    assert.equal(
      files === 0,
      [...WITHOUT_FILES, ...WITHOUT_FIXTURE].includes(spec.name),
      `reads ${files} files of the tree`,
    );
    assert.deepEqual(wrong.slice(0, 20), [], `FUZZ_SEED=${SEED}: ${wrong.length} findings`);
  });
}
