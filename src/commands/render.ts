import { readFileSync } from 'node:fs';
import { errorText } from '../base/error-text.ts';
import { eventFamilies } from '../collectors/event/families.ts';
import { isEvent, renderEvents } from '../collectors/event/render.ts';
import { type Allowlist, parseAllowlist } from '../collectors/ksm/allowlist.ts';
import { CustomResourceError } from '../collectors/ksm/custom/config.ts';
import { parseCustomResources } from '../collectors/ksm/custom/resource.ts';
import { type FamilyPatterns, familyFilter, metricPattern } from '../collectors/ksm/family-filter.ts';
import type { Renderer } from '../collectors/ksm/render.ts';
import { renderersOf } from '../collectors/ksm/renderers.ts';
import { groupVersionOf } from '../collectors/ksm/resource.ts';
import { resources } from '../collectors/ksm/resources/index.ts';
import type { KubeObject } from '../kube/object.ts';
import { parseObjects } from '../kube/object-text.ts';
import { encodeByFamily } from '../metrics/text/encoder.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { type FlagValues, parseFlags } from './flags.ts';

const FLAGS = {
  file: { type: 'string', short: 'f', multiple: true },
  'labels-allowlist': { type: 'string', multiple: true },
  'annotations-allowlist': { type: 'string', multiple: true },
  'metric-allowlist': { type: 'string', multiple: true },
  'metric-denylist': { type: 'string', multiple: true },
  'opt-in': { type: 'string', multiple: true },
  'all-families': { type: 'boolean' },
  'custom-resource-state': { type: 'string' },
  'reporting-component': { type: 'boolean' },
} as const;

/** `firesteel render -f FILE`. */
export const render: Command = {
  help: `usage: firesteel render -f FILE|- [flags]

Prints what the ksm collector would expose for the objects in FILE: a list, an array, JSON lines or YAML documents, as
from kubectl get -o json, grouped by family. Events are counted as the event collector does. Needs no cluster. Objects of
unsupported kinds are counted on standard error; the exit code is 1 when part of an object could not be rendered. All list
flags can be repeated.

  -f, --file FILE                       - is standard input
  --labels-allowlist 'pods=[app,x-*]'   labels to expose in kube_*_labels; *=[*] for all
  --annotations-allowlist 'pods=[*]'    annotations to expose in kube_*_annotations
  --metric-allowlist REGEX,...          only families that match one of these
  --metric-denylist REGEX,...           exclude families that match one of these
  --opt-in REGEX,...                    opt-in families to include
  --all-families                        all families: opt-in ones, and all labels and annotations
  --custom-resource-state FILE          kube-state-metrics' CustomResourceStateMetrics, for custom resources
  --reporting-component                 counts of events with the label reporting_component`,
  async run(args, io) {
    const { values } = parseFlags(args, FLAGS);
    const patterns = chosenPatterns(values);
    const renderers = chosenRenderers(values, patterns);
    const files = list(values.file);
    if (files.length === 0) throw new UsageError('render needs -f FILE, or -f - for standard input');
    const objects: KubeObject[] = [];
    for (const file of files) objects.push(...(await objectsOf(file, io)));
    const families: Families = new Map();
    const code = addObjects(objects, renderers, families, io);
    const events = objects.filter(isEvent);
    if (events.length > 0) addEvents(events, values['reporting-component'] === true, familyFilter(patterns), families);
    print(families, io);
    return code;
  },
};

const list = (value: FlagValues[string]): readonly string[] => (Array.isArray(value) ? value : []);

const commaList = (value: FlagValues[string]): string[] =>
  list(value)
    .flatMap((text) => text.split(','))
    .filter((part) => part !== '');

const ALL: Allowlist = { '*': ['*'] };

function chosenPatterns(values: FlagValues): FamilyPatterns {
  const patterns = (flag: keyof typeof FLAGS) =>
    refused(flag, () => commaList(values[flag]).filter((source) => metricPattern(source)));
  const metricAllowlist = patterns('metric-allowlist');
  const metricDenylist = patterns('metric-denylist');
  if (metricAllowlist.length > 0 && metricDenylist.length > 0) {
    throw new UsageError('--metric-allowlist and --metric-denylist are mutually exclusive');
  }
  const metricOptInList = values['all-families'] === true ? [''] : patterns('opt-in');
  return { metricAllowlist, metricDenylist, metricOptInList };
}

function chosenRenderers(values: FlagValues, patterns: FamilyPatterns): Renderer[] {
  const all = values['all-families'] === true;
  const lists = (flag: keyof typeof FLAGS): Allowlist =>
    refused(flag, () => {
      const allowlist = list(values[flag]).map((text) => parseAllowlist(text));
      return allowlist.length === 0 && all ? ALL : mergeAllowlists(allowlist);
    });
  return renderersOf([...resources, ...customResources(values['custom-resource-state'])], {
    ...patterns,
    labelsAllowlist: lists('labels-allowlist'),
    annotationsAllowlist: lists('annotations-allowlist'),
  });
}

function mergeAllowlists(allowlists: readonly Allowlist[]): Allowlist {
  const merged: Record<string, readonly string[]> = {};
  for (const [resource, keys = []] of allowlists.flatMap((allowlist) => Object.entries(allowlist))) {
    merged[resource] = [...(merged[resource] ?? []), ...keys];
  }
  return merged;
}

function refused<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new UsageError(`--${flag}: ${errorText(cause)}`);
  }
}

function customResources(file: FlagValues[string]) {
  if (typeof file !== 'string') return [];
  try {
    return parseCustomResources(readText(file));
  } catch (cause) {
    if (!(cause instanceof CustomResourceError)) throw cause;
    throw new UsageError(cause.problems.map((problem) => `${file}: ${problem}`).join('\n'));
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(errorText(cause));
  }
}

async function objectsOf(file: string, io: Io): Promise<KubeObject[]> {
  const text = file === '-' ? await io.stdin() : readText(file);
  try {
    return parseObjects(text);
  } catch (cause) {
    throw new UsageError(`${file}: ${errorText(cause)}`);
  }
}

/** The lines by family. */
type Families = Map<string, { readonly header: string; readonly lines: string[] }>;

/** The output so far: lines by family, and the object of each series. */
interface RenderedLines {
  readonly families: Families;
  readonly holders: Map<string, string>;
}

/** Adds the lines of an object from one renderer; returns whether any of it was lost. */
function add(renderer: Renderer, object: KubeObject, { families, holders }: RenderedLines, io: Io): boolean {
  const { text, counts, errors } = renderer.render(object);
  const who = `${object.kind} ${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
  let failed = false;
  const complain = (message: string) => {
    failed = true;
    io.stderr(`${who}: ${message}\n`);
  };
  const lines = text.split('\n');
  let at = 0;
  for (const [index, count] of counts.entries()) {
    if (count === 0) continue;
    const name = renderer.families[index]?.name ?? '';
    const family = families.get(name) ?? { header: renderer.headers[index] ?? '', lines: [] };
    for (const end = at + count; at < end; at++) {
      const line = lines[at] ?? '';
      const series = line.slice(0, line.lastIndexOf(' '));
      const holder = holders.get(series);
      if (holder === undefined) {
        holders.set(series, who);
        family.lines.push(line);
      } else complain(`${series} is also a series of ${holder}; only the first is exposed`);
    }
    if (family.lines.length > 0) families.set(name, family);
  }
  for (const { message } of errors) complain(message);
  return failed;
}

/** Adds the lines of all objects except events; returns the exit code. */
function addObjects(
  objects: readonly KubeObject[],
  renderers: readonly Renderer[],
  families: Families,
  io: Io,
): number {
  const unknown = new Map<string, number>();
  const holders = new Map<string, string>();
  let failed = false;
  for (const object of objects) {
    const own = renderersFor(object, renderers);
    if (own.length === 0 && !isEvent(object)) {
      const name = [object.apiVersion, object.kind ?? 'no kind'].filter((part) => part !== undefined).join(' ');
      unknown.set(name, (unknown.get(name) ?? 0) + 1);
      continue;
    }
    for (const renderer of own) failed = add(renderer, object, { families, holders }, io) || failed;
  }
  for (const [name, count] of unknown) io.stderr(`${count} × ${name}: unsupported, skipped\n`);
  for (const line of unusedCustom(objects, renderers)) io.stderr(`${line}\n`);
  if (objects.length === 0) io.stderr('no objects\n');
  return failed ? 1 : 0;
}

/** Adds the counters of events, for the selected families. */
function addEvents(
  events: readonly KubeObject[],
  reportingComponent: boolean,
  isWanted: ReturnType<typeof familyFilter>,
  families: Families,
): void {
  const text = Buffer.concat([...encodeByFamily([renderEvents(events, reportingComponent)])]).toString();
  const blocks = text.split(/^(?=# HELP )/m);
  for (const family of eventFamilies({ reportingComponent })) {
    const block = blocks.find((one) => one.startsWith(`# HELP ${family.name} `));
    if (block !== undefined && isWanted({ family })) families.set(family.name, { header: block.trimEnd(), lines: [] });
  }
}

/** Prints the lines by family. */
function print(families: Families, io: Io): void {
  for (const name of [...families.keys()].sort()) {
    const family = families.get(name);
    if (family) io.stdout(`${family.header}${family.lines.join('\n')}\n`);
  }
}

/** Several, if there is a custom family about a kind that has built-in families. */
function renderersFor(object: KubeObject, renderers: readonly Renderer[]): readonly Renderer[] {
  const all = renderers.filter(({ resource }) => isOf(resource, object));
  return object.apiVersion === undefined ? all.slice(0, 1) : all;
}

/** A line for each custom resource that is not that of any object, although there are objects of its kind. */
function unusedCustom(objects: readonly KubeObject[], renderers: readonly Renderer[]): string[] {
  const used = new Set(objects.flatMap((object) => renderersFor(object, renderers)));
  const unused = renderers.filter((renderer) => renderer.resource.custom && !used.has(renderer));
  return unused.flatMap(({ resource: { apiVersion, kind } }) => {
    const alike = objects.filter((object) => object.kind === kind);
    if (alike.length === 0) return [];
    const reasons = alike.map((object) =>
      object.apiVersion === undefined
        ? 'objects without apiVersion are taken as those of the first resource of their kind'
        : `there are objects of ${object.apiVersion}`,
    );
    return [`custom resource ${apiVersion} ${kind}: not used: ${[...new Set(reasons)].join('; ')}`];
  });
}

/** An object without version counts by its kind alone. */
const isOf = (resource: Renderer['resource'], { kind, apiVersion }: KubeObject): boolean =>
  kind === resource.kind &&
  (apiVersion === undefined ||
    apiVersion === resource.apiVersion ||
    (resource.anyVersion !== undefined &&
      groupVersionOf(apiVersion).group === groupVersionOf(resource.apiVersion).group));
