import type * as z from 'zod';
import type { CollectorSpec } from '../src/collectors/collector.ts';
import { EXTRA } from '../src/collectors/process/families.ts';
import type { Family } from '../src/metrics/family.ts';
import { familyRow, GENERATED, optionsOf, table } from './metric-reference.ts';

/** The page on the process collector; `entry` describes an item of `process_names`. */
export function processReference({ summary, options, families }: CollectorSpec, entry: z.ZodObject): string {
  const isTheirs = ({ name }: Family) => !EXTRAS.has(name);
  const familyTable = (rows: readonly Family[]) => table(['metric', 'type', 'labels', 'help'], rows.map(familyRow));
  return [
    '# Process metrics',
    GENERATED,
    summary,
    GROUPS,
    table(['key', 'default', 'what'], optionsOf(entry)),
    DIFFERENCES,
    READ_RARELY,
    '## Options',
    'Below `collectors.process`; `enabled: false` disables the collector.',
    table(['option', 'default', 'what'], optionsOf(options)),
    '## Metrics of process-exporter',
    'With `byPod` also the labels `namespace`, `pod` and `container`, for processes of pods. The label `node` is that of ' +
      'all series of the group: `identity.process.labels`.',
    familyTable(families.filter(isTheirs)),
    '## Further metrics',
    familyTable(families.filter((family) => !isTheirs(family))),
    '',
  ].join('\n\n');
}

const EXTRAS: ReadonlySet<string> = new Set(Object.values(EXTRA).map(({ name }) => name));

const GROUPS = `## Groups

Processes are counted in groups. A configuration file of process-exporter can be used unchanged (\`configFile\`), or its
\`process_names\` can be included in the configuration. They are tried in order and the first match is used; a process
without a match is assigned to the group of its parent (\`children\`). Without either, processes are grouped by their comm
and kernel threads are excluded.

A name may have \`{{.Comm}}\`, \`{{.ExeBase}}\`, \`{{.ExeFull}}\`, \`{{.Username}}\`, \`{{.Cgroups}}\` and \`{{.Matches.NAME}}\`, and with
\`allowPid\` also \`{{.PID}}\` and \`{{.StartTime}}\`. Anything else is refused at startup, with the line.

\`\`\`yaml
collectors:
  process:
    ports: true
    process_names:
      - name: postgres
        exe: [postgres]
        expected: true
        expectedPorts: [5432]
      - name: "java {{.Matches.jar}}"
        comm: [java]
        cmdline: ['-jar\\s+(?P<jar>[^/\\s]+)\\.jar']
\`\`\``;

const DIFFERENCES = `## Differences from process-exporter

- A process that runs another program (its comm changes) is matched again, and every process every \`refreshInterval\`;
  process-exporter decides once, unless \`-recheck\` is set.
- Counters never fall. Those of process-exporter do when a thread ends, and wrap when a file can no longer be read.
- \`states\` counts processes; with \`threads\` it counts threads, each once. process-exporter reads all threads in every
  cycle and counts the main thread of multithreaded processes twice.
- Groups without processes expire after \`groupExpiry\`, and have no \`oldest_start_time_seconds\` in the meantime.
- What cannot be read for lack of permission is omitted, not shown as 0, and counted in \`namedprocess_scrape_partial_errors\`.
- Metrics by thread and proportional memory are off by default. Proportional memory is exposed for groups in which it is
  known for all processes.
- \`{{.Matches}}\` without a name is refused, because it would expose the command line as a label.
- \`process_exporter_build_info\` and metrics of the exporter's own process are not exposed.
- Expressions see the first 4 KiB of a command line, and names of groups have at most 256 characters.`;

const READ_RARELY = `## What is read less often

Each change shows in the next cycle, except for these, where finding out takes as long as reading them:

- \`filedesc_limit\` and \`worst_fd_ratio\` use the limit as of the last \`slowInterval\`: \`limits\` takes 10 µs per process, and
  another process can change it at any time.
- \`context_switches_total\` grows by those of the first thread of each process in every cycle, by those of further threads, which
  process-exporter does not count, every \`slowInterval\`; with \`threads\`, which reads each of them, in every cycle.
- \`open_filedesc\` of a process with a table of more than 8,192 files is counted every \`slowInterval\` before Linux 6.2, which made their
  number a single read: the kernel takes a microsecond per file.
- Arguments, user and cgroup, which decide about the group, are read when a process is new, when its comm changes and every
  \`refreshInterval\`. User names are at most one \`refreshInterval\` old.
- A file of a process that could not be read is tried again every \`refreshInterval\`.
- A process that changes its network namespace has its listening ports in the previous one for up to one \`refreshInterval\`.
- After the clock is set, start times are corrected within one \`slowInterval\`.
- Proportional memory is read in rotation, \`smapsPerCycle\` processes in each cycle.
- A listening port is assigned to the process in which it was found first, for as long as that process has it open; a port
  found in no process is searched for again every \`slowInterval\`.`;
