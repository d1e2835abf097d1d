import * as z from 'zod';
import { errorText } from '../../base/error-text.ts';
import { Pattern } from '../../config/re2/pattern.ts';
import { type Attributes, baseName, type Matches, parseTemplate, type Template } from './template.ts';

/** A longer command line is truncated before matching. */
export const MAX_CMDLINE = 4096;
/** A longer group name is truncated; names may contain text controlled by the process. */
const MAX_NAME = 256;

const words = (what: string) => z.array(z.string()).optional().describe(what);

/** An entry of process-exporter's `process_names`, with our additions. */
export const processName = z
  .strictObject({
    name: z.string().optional().describe("Template of the group's name; `{{.ExeBase}}` when unset."),
    comm: words('Process names as in `/proc/<pid>/stat`; any one must match exactly.'),
    exe: words('Executables as in `argv[0]`, or just the base name; any one must match exactly.'),
    cmdline: words('Regular expressions (RE2); all must match the arguments joined by spaces.'),
    expected: z.boolean().default(false).describe('Expect the group: report it as down while it has no processes.'),
    expectedPorts: z
      .array(z.int().min(1).max(65_535))
      .default([])
      .describe('TCP ports that the group is expected to listen on; requires `ports: true`.'),
  })
  .superRefine((entry, context) => {
    for (const { path, message } of problemsOf(entry)) context.addIssue({ code: 'custom', path, message });
  });

/** A validated entry. */
export type ProcessName = z.output<typeof processName>;

/** An entry, compiled. */
export interface Matcher {
  readonly template: Template;
  /** Names of the expected groups; empty unless the entry marks them as expected. */
  readonly expectedNames: readonly string[];
  readonly expectedPorts: readonly number[];
  /** The group of a process; undefined if the entry does not match it. */
  match(process: Attributes): string | undefined;
}

/** Compiles an entry. Throws an Error for anything that {@link processName} rejects. */
export function compileMatcher({ name, comm, exe, cmdline, expected, expectedPorts }: ProcessName): Matcher {
  const template = parseTemplate(name ?? '{{.ExeBase}}');
  const comms = comm && new Set(comm);
  const programs = exe && new Set(exe);
  const patterns = cmdline?.map((source) => Pattern.of(source));
  const isProgram = ([first]: readonly string[]) =>
    first !== undefined && (programs?.has(first) || programs?.has(baseName(first)));
  return {
    template,
    expectedNames: expected || expectedPorts.length > 0 ? knownNames(template, comm, exe) : [],
    expectedPorts,
    match(process) {
      if (comms && !comms.has(process.comm)) return undefined;
      if (programs && !isProgram(process.argv)) return undefined;
      const matches = patterns ? matchAll(patterns, process.argv.join(' ').slice(0, MAX_CMDLINE)) : NO_MATCHES;
      return matches && template.render(process, matches).slice(0, MAX_NAME);
    },
  };
}

const NO_MATCHES: Matches = new Map();

/** The named groups of all expressions, empty text for unmatched groups; undefined if an expression does not match. */
function matchAll(patterns: readonly Pattern[], text: string): Matches | undefined {
  const matches = new Map<string, string>();
  for (const pattern of patterns) {
    const groups = pattern.groups(text);
    if (!groups) return undefined;
    for (const [group, value] of groups) matches.set(group, value);
  }
  return matches;
}

/** The names that a template can produce from the matcher's own lists. Throws if it needs more. */
function knownNames(template: Template, comm: readonly string[] = [], exe: readonly string[] = []): string[] {
  const names = new Set<string>();
  const { fields, usesMatches } = template;
  const known = (argv: readonly string[], name: string) =>
    names.add(template.render({ comm: name, argv, username: '', cgroups: [], pid: 0, startedAt: 0 }, NO_MATCHES));
  if (!usesMatches) {
    if (fields.size === 0) known([], '');
    else if (isOnly(fields, 'Comm')) for (const name of comm) known([], name);
    else if (isOnly(fields, 'ExeBase')) for (const path of exe) known([path], '');
    else if (isOnly(fields, 'ExeFull') && exe.every(isPath)) for (const path of exe) known([path], '');
  }
  if (names.size === 0) {
    throw new Error(
      'an expected group needs a name that does not depend on its processes: fixed, {{.Comm}} with comm, ' +
        '{{.ExeBase}} with exe, or {{.ExeFull}} with full paths in exe',
    );
  }
  return [...names];
}

const isOnly = <Value>(set: ReadonlySet<Value>, value: Value): boolean => set.size === 1 && set.has(value);
const isPath = (path: string): boolean => path.includes('/');

interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

function problemsOf(entry: ProcessName): Problem[] {
  const problems: Problem[] = [];
  const attempt = (path: (string | number)[], compile: () => unknown): boolean => {
    try {
      compile();
      return true;
    } catch (cause) {
      problems.push({ path, message: errorText(cause) });
      return false;
    }
  };
  if (!(entry.comm || entry.exe || entry.cmdline)) {
    problems.push({ path: [], message: 'needs comm, exe or cmdline' });
  }
  for (const [index, source] of (entry.cmdline ?? []).entries()) {
    attempt(['cmdline', index], () => Pattern.of(source));
  }
  const isTemplate = attempt(['name'], () => parseTemplate(entry.name ?? ''));
  if (isTemplate && problems.length === 0) {
    const path = entry.expected ? ['expected'] : ['expectedPorts'];
    attempt(path, () => compileMatcher(entry));
  }
  return problems;
}
