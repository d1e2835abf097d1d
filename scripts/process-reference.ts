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
    '## Options',
    'Below `collectors.process`; `enabled: false` switches the collector off.',
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

Processes are counted in groups. A configuration file of process-exporter can be used as it is (\`configFile\`), or its
\`process_names\` be written into the configuration. They are tried in order and the first that matches wins; a process
that matches nothing follows its parent (\`children\`). Without either, processes are grouped by their comm and threads of
the kernel are left out.

A name may have \`{{.Comm}}\`, \`{{.ExeBase}}\`, \`{{.ExeFull}}\`, \`{{.Username}}\`, \`{{.Cgroups}}\` and \`{{.Matches.NAME}}\`, and with
\`allowPid\` also \`{{.PID}}\` and \`{{.StartTime}}\`. Anything else is refused at the start, with the line.

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

const DIFFERENCES = `## Differences to process-exporter

- A process that runs another program (its comm changes) is matched again, and every process every \`refreshInterval\`;
  process-exporter decides once, unless it has \`-recheck\`.
- Counters never fall. Those of process-exporter do when a thread ends, and wrap when a file can no longer be read.
- \`states\` counts processes; with \`threads\` it counts threads, each once. process-exporter reads all threads in every
  cycle and counts the main one of several twice.
- Groups without processes expire after \`groupExpiry\`, and have no \`oldest_start_time_seconds\` meanwhile.
- What cannot be read for lack of permission is left out and counted in \`namedprocess_scrape_partial_errors\`; it is never 0.
- Metrics by thread and proportional memory are off. Proportional memory is exposed for groups in which it is known for all
  processes.
- \`{{.Matches}}\` without a name is refused, because it makes the command line a label.
- \`process_exporter_build_info\` and metrics of the exporter's own process are not exposed.
- Expressions see the first 4 KiB of a command line, and names of groups have at most 256 characters.`;
