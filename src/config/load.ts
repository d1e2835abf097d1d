import * as z from 'zod';
import { readText, whyUnread } from '../base/files.ts';
import { isMapping } from '../base/records.ts';
import { ConfigError } from './config-error.ts';
import { explainIssue, type Origin, problemLine } from './explain.ts';
import { noteOrigins } from './origins.ts';
import { reservedKeys } from './reserved-keys.ts';
import { CONFIG_FILE_ENV, SETTINGS, type Setting } from './settings-table.ts';
import { parseYaml, YamlError, type YamlValue } from './yaml.ts';

/** Where configuration comes from. */
interface ConfigSources {
  /** Path of the YAML file; without it, FIRESTEEL_CONFIG; without that, defaults. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags by name, without `--`. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** `path.to.setting=VALUE`, the value as YAML. */
  readonly set?: readonly string[];
}

/** The configuration, and warnings that do not make it invalid. */
export interface Loaded<Config> {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/** Defaults ← file ← environment ← flags, checked once, as a whole. Throws ConfigError. */
export function loadConfig<Schema extends z.ZodType>(schema: Schema, sources: ConfigSources): Loaded<z.output<Schema>> {
  const file = sources.file ?? sources.env[CONFIG_FILE_ENV];
  const document = file === undefined ? EMPTY : readYaml(file);
  const origins: Origin[] = [document.locate];
  let input = document.value;
  for (const setting of SETTINGS) {
    const variable = setting.env.find((name) => (sources.env[name] ?? '') !== '');
    if (variable !== undefined) {
      input = withSetting(input, setting, sources.env[variable] ?? '');
      origins.unshift(originAt(setting.path, `environment variable ${variable}`));
    }
    const flag = sources.flags[setting.flag];
    if (flag !== undefined) {
      input = withSetting(input, setting, flag);
      origins.unshift(originAt(setting.path, `flag --${setting.flag}`));
    }
  }
  for (const assignment of sources.set ?? []) {
    const { path, value } = parseAssignment(assignment);
    input = withSetting(input, { path }, value);
    origins.unshift(originBelow(path, `flag --set ${path.join('.')}`));
  }
  const reserved = reservedKeys(input);
  if (reserved.length > 0) {
    throw new ConfigError(reserved.map((path) => problemLine(path, 'this name is reserved: choose another', origins)));
  }
  // Each schema is used once: generating functions for objects takes a tenth of this process's CPU.
  const result = schema.safeParse(input, { reportInput: true, jitless: true });
  if (result.success) {
    if (typeof result.data === 'object' && result.data !== null) noteOrigins(result.data, origins);
    return { config: result.data, warnings: unknownVariables(sources.env) };
  }
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  throw new ConfigError(result.error.issues.flatMap((issue) => explainIssue(issue, { input, shape, origins })));
}

interface YamlFile {
  readonly value: unknown;
  readonly locate: Origin;
}

const EMPTY: YamlFile = { value: {}, locate: () => undefined };

/** No configuration is near this size; a wrong path such as a log file must not fill the memory. */
const MAX_FILE_BYTES = 1024 * 1024;

function readYaml(file: string): YamlFile {
  let text: string;
  try {
    text = readText(file, MAX_FILE_BYTES);
  } catch (cause) {
    throw new ConfigError([`${file}: cannot read the configuration file (${whyUnread(cause)})`]);
  }
  const { value: read, placeOf } = yamlOf(file, text);
  const value = read ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new ConfigError([
      `${file}:1:1: expected a mapping such as "push:", found ${JSON.stringify(value).slice(0, 200)}`,
    ]);
  }
  return { value, locate: (path) => placeOf(path) ?? `${file}:1:1` };
}

/** The same problems as a ConfigError. */
function yamlOf(name: string, text: string): YamlValue {
  try {
    return parseYaml(name, text);
  } catch (cause) {
    throw cause instanceof YamlError ? new ConfigError(cause.problems) : cause;
  }
}

/** Sets one value in a copy of `input`. */
function withSetting(input: unknown, { path, implies }: Pick<Setting, 'path' | 'implies'>, value: unknown): unknown {
  const set = (node: unknown, [key = '', ...rest]: readonly string[]): unknown => {
    const record = isMapping(node) ? node : {};
    if (rest.length > 0) return { ...record, [key]: set(record[key], rest) };
    return { ...implies, ...record, [key]: value };
  };
  return set(input, path);
}

function parseAssignment(assignment: string): { path: string[]; value: unknown } {
  const equals = assignment.indexOf('=');
  const path = assignment.slice(0, equals).split('.');
  if (equals < 1 || path.includes('')) {
    throw new ConfigError([`flag --set: expected PATH=VALUE such as push.interval=30s, found ${assignment}`]);
  }
  return { path, value: yamlOf(`flag --set ${path.join('.')}`, assignment.slice(equals + 1)).value };
}

const originAt =
  (at: readonly string[], name: string): Origin =>
  (path) =>
    path.length === at.length && at.every((key, index) => key === path[index]) ? name : undefined;

const originBelow =
  (at: readonly string[], name: string): Origin =>
  (path) =>
    at.every((key, index) => key === path[index]) ? name : undefined;

/**
 * Unknown FIRESTEEL_ variables: typing errors would otherwise go unnoticed. Kubernetes creates such names itself for a
 * Service called firesteel (FIRESTEEL_SERVICE_HOST, FIRESTEEL_PORT_...).
 */
function unknownVariables(env: ConfigSources['env']): string[] {
  const known = new Set([CONFIG_FILE_ENV, ...SETTINGS.flatMap((setting) => setting.env)]);
  return Object.keys(env)
    .filter((name) => name.startsWith('FIRESTEEL_') && !known.has(name))
    .filter((name) => !/_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_|$)/.test(name))
    .map((name) => `environment variable ${name} is not known and has no effect`);
}
