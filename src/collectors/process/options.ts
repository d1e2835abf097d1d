import * as z from 'zod';
import { bytes, duration } from '../../config/units.ts';
import { ProcessNamesError, readProcessNames } from './config-file.ts';
import { compileMatcher, type ProcessName, processName } from './matcher.ts';

/** The default of process-exporter's packages: by name, without kernel threads, since those have no arguments. */
export const DEFAULT_NAMES: readonly ProcessName[] = [
  { name: '{{.Comm}}', cmdline: ['.+'], expected: false, expectedPorts: [] },
];

/** The options; which of them are mutually exclusive is checked by {@link checkOptions}. */
export const options = z.strictObject({
  configFile: z
    .string()
    .min(1)
    .optional()
    .describe("File in the format of process-exporter's `-config.path`; read once at startup."),
  process_names: z
    .array(processName)
    .optional()
    .describe(
      'The same inline: how to match and name groups; first match wins. Default: by comm, without kernel threads.',
    ),
  children: z.boolean().default(true).describe('Assign a process that matches nothing to the group of its parent.'),
  unmatched: z
    .enum(['ignore', 'other'])
    .default('ignore')
    .describe('With `other`, all other processes except kernel threads form the group `__other__`.'),
  allowPid: z
    .boolean()
    .default(false)
    .describe('Allow `{{.PID}}` and `{{.StartTime}}` in names, which creates one group per process.'),
  byPod: z.boolean().default(false).describe('Split groups by pod: labels `namespace`, `pod`, `container`.'),
  maxGroups: z
    .int()
    .min(1)
    .max(100_000)
    .default(500)
    .describe('Maximum number of groups; the rest are combined as `__other__`.'),
  maxProcesses: z.int().min(1).default(32_768).describe('Maximum number of processes; any beyond are ignored.'),
  keepOpen: z
    .int()
    .min(0)
    .max(10_000)
    .default(2000)
    .describe(
      'Number of processes whose `stat` file is kept open between cycles: saves CPU at the cost of 4.4 KiB of kernel memory each.',
    ),
  groupExpiry: duration(0)
    .prefault('1h')
    .describe('How long to keep reporting a group after its last process has exited.'),
  refreshInterval: duration(1000)
    .prefault('10m')
    .describe('Refresh interval for the arguments, user and cgroup of known processes.'),
  slowInterval: duration(0)
    .prefault('60s')
    .describe(
      'How often to read what takes long: limits, context switches of further threads, and large tables of files before Linux 6.2.',
    ),
  threads: z.boolean().default(false).describe('Export metrics by thread name; reads every thread in every cycle.'),
  wchan: z.boolean().default(false).describe('Export the number of threads by the kernel function they wait in.'),
  smaps: z
    .boolean()
    .default(false)
    .describe('Export proportional memory (PSS); expensive, as the kernel walks all page tables.'),
  smapsMaxRss: bytes().prefault('1GiB').describe('Skip larger processes when reading proportional memory.'),
  smapsPerCycle: z
    .int()
    .min(1)
    .default(25)
    .describe('Number of processes whose proportional memory is read in each cycle, in rotation.'),
  ports: z.boolean().default(false).describe('Export the TCP ports that groups listen on.'),
  topN: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe('Report this many processes with the highest CPU and memory usage.'),
});

/** Parsed options. */
export type ProcessOptions = z.output<typeof options>;

/** The entries in effect: those of the file, those given, or the default. Throws ProcessNamesError. */
export function processNames({ configFile, process_names }: ProcessOptions): readonly ProcessName[] {
  if (configFile !== undefined) return readProcessNames(configFile).entries;
  return process_names ?? DEFAULT_NAMES;
}

/** Adds problems that concern several options; reads the file, so that a bad one is rejected at startup. */
export function checkOptions(given: ProcessOptions, context: z.RefinementCtx): void {
  const { configFile, process_names } = given;
  const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
  // Entries that were rejected individually cannot be compiled here.
  if (context.issues.length > 0) return;
  if (configFile === undefined) {
    for (const { path, message } of problemsOf(process_names ?? [], given)) refuse(path, message);
    return;
  }
  if (process_names !== undefined) refuse(['configFile'], 'configFile and process_names are mutually exclusive');
  try {
    const { entries, placeOf } = readProcessNames(configFile);
    for (const { path, message } of problemsOf(entries, given)) {
      refuse(['configFile'], `${placeOf(path)}: ${path.map(String).join('.')}: ${message}`);
    }
  } catch (cause) {
    if (!(cause instanceof ProcessNamesError)) throw cause;
    for (const problem of cause.problems) refuse(['configFile'], problem);
  }
}

interface Problem {
  readonly path: PropertyKey[];
  readonly message: string;
}

function problemsOf(entries: readonly ProcessName[], { allowPid, ports }: ProcessOptions): Problem[] {
  return entries.flatMap((entry, index) => {
    const problems: Problem[] = [];
    const refuse = (key: string, message: string) => problems.push({ path: ['process_names', index, key], message });
    const { fields } = compileMatcher(entry).template;
    if (!allowPid && (fields.has('PID') || fields.has('StartTime'))) {
      refuse('name', `${entry.name} creates one group per process; set allowPid to allow this`);
    }
    if (!ports && entry.expectedPorts.length > 0) {
      refuse('expectedPorts', 'expected ports require `ports: true`');
    }
    return problems;
  });
}
