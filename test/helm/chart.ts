import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { fixture } from '../kit/host-tree.ts';

/** The chart's folder. */
export const CHART = fileURLToPath(new URL('../../helm', import.meta.url));

/** Values as users write them. */
export type Values = Readonly<Record<string, unknown>>;

/** A rendered Kubernetes object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: tests look deep into objects of many kinds, whose types are checked apart
  readonly [field: string]: any;
}

/** Thrown if helm refuses the values; `text` is its output. */
export class HelmError extends Error {
  override readonly name = 'HelmError';
  readonly text: string;

  constructor(text: string) {
    super(text);
    this.text = text;
  }
}

/** `ci/*-values.yaml`: name without the ending → values. */
export const USER_STORIES: Readonly<Record<string, Values>> = Object.fromEntries(
  globSync('{ci,examples}/*-values.yaml', { cwd: CHART })
    .sort()
    .map((file) => [basename(file, '-values.yaml'), readYaml(file)]),
);

/** Values of users for which the chart once rendered invalid objects (test/fixtures/helm). */
export const REPORTED: Readonly<Record<string, Values>> = Object.fromEntries(
  globSync('*.yaml', { cwd: fixture('helm') })
    .sort()
    .map((file) => [basename(file, '.yaml'), parse(readFileSync(join(fixture('helm'), file), 'utf8')) as Values]),
);

/** Values of one of those. Throws when there is no such file. */
export function reported(name: string): Values {
  const values = REPORTED[name];
  if (!values) throw new Error(`there is no test/fixtures/helm/${name}.yaml`);
  return values;
}

/** Values of a user story. Throws when there is no such file. */
export function story(name: string): Values {
  const values = USER_STORIES[name];
  if (!values) throw new Error(`the chart has no ci/${name}-values.yaml`);
  return values;
}

/** A YAML file of the chart. */
export function readYaml(file: string): Values {
  return parse(readFileSync(join(CHART, file), 'utf8'), { merge: true }) as Values;
}

/** Values merged like in helm: maps are merged, anything else replaces, null removes. */
export function overlay(...layers: readonly Values[]): Values {
  const result: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      const below = result[key];
      if (value === null) delete result[key];
      else result[key] = isMap(below) && isMap(value) ? overlay(below, value) : value;
    }
  }
  return result;
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

const rendered = new Map<string, readonly Manifest[]>();

/**
 * Renders the chart as release `firesteel` in namespace `default`, cached for equal values. Throws HelmError if helm refuses
 * the values.
 */
export function render(values: Values, ...flags: readonly string[]): readonly Manifest[] {
  const key = JSON.stringify([values, flags]);
  const before = rendered.get(key);
  if (before) return before;
  const objects = withFolder(values, (file) => {
    const text = helm(['template', 'firesteel', CHART, '-f', file, ...flags]);
    return parseAllDocuments(text)
      .map((document) => document.toJS() as Manifest | null)
      .filter((object) => object !== null);
  });
  rendered.set(key, objects);
  return objects;
}

/** The notes that helm prints after an installation. A stand-in writes them to a file; Helm only has them in a dry run. */
export function notes(values: Values): string {
  return withFolder(values, (file, folder) => {
    const notesFile = join(folder, 'notes.txt');
    const args = ['firesteel', CHART, '-f', file];
    helm(['template', ...args], { HELM_NOTES_OUT: notesFile });
    if (existsSync(notesFile)) return readFileSync(notesFile, 'utf8');
    return helm(['install', ...args, '--dry-run=client']).split('\nNOTES:\n')[1] ?? '';
  });
}

/** The text of an agent's configuration; `role` is node or state. Throws when there is none. */
export function configText(objects: readonly Manifest[], role: string): string {
  const found = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith(`-${role}`));
  const text: unknown = found?.data['config.yaml'];
  if (typeof text !== 'string') throw new Error(`no configuration of ${role} agents was rendered`);
  return text;
}

/** The pods of all workloads, by the workload's kind. */
export const podsOf = (objects: readonly Manifest[]) =>
  objects
    .filter(({ kind }) => /^(?:DaemonSet|Deployment|StatefulSet)$/.test(kind))
    .map((workload) => ({ kind: workload.kind, workload, pod: workload.spec.template.spec }));

function withFolder<Result>(values: Values, use: (file: string, folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-helm-'));
  try {
    const file = join(folder, 'values.yaml');
    writeFileSync(file, stringify(values));
    return use(file, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function helm(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  try {
    return execFileSync('helm', args, {
      encoding: 'utf8',
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    });
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw stderr ? new HelmError(stderr) : cause;
  }
}
