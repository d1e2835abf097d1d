import { SETTINGS } from '../src/config/settings-table.ts';
import { GENERATED, table } from './metric-reference.ts';

/** The part of JSON Schema that zod generates for the configuration. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

/** Sections with separate pages. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'collectors.node': 'metrics/node.md',
  'collectors.container': 'metrics/container.md',
  'collectors.process': 'metrics/process.md',
  'collectors.ksm': 'metrics/kube-state.md',
};

/** Environment variables by which receivers and the API server are found. */
const WAYS: readonly string[] = [
  '## Proxies, names, kubeconfigs',
  'Receivers and the API server are reached through `HTTPS_PROXY` (for `https://`) or `HTTP_PROXY` (for `http://`), also in ' +
    'lower case, by the same rules as in Go programs. The value is `http://proxy:3128`, `https://…` or `proxy:3128`, with ' +
    'credentials if required; other schemes are refused at startup. `NO_PROXY` lists what is reached directly: ' +
    'addresses and networks (`10.0.0.0/8`, `2001:db8::/32`), domains including their subdomains (`cluster.local`), only the ' +
    'subdomains (`.cluster.local`), each optionally with a port (`vm.example:8428`), or `*`. `localhost` and ' +
    'loopback addresses are always reached directly, as are the state agents and the kubelet. Over `http://` a proxy sees ' +
    'credentials and headers: the agent and `check-config` warn about this. Errors name the proxy that was used. In a cluster, ' +
    'set `NO_PROXY=.svc,.cluster.local` and the network of the services.',
  'Names of receivers and of the API server are resolved with `/etc/hosts`, the search list and `ndots` of ' +
    '`/etc/resolv.conf`, and its name servers; responses are cached for their TTL, at most 5 minutes. Modules of ' +
    '`nsswitch.conf` other than `files` and `dns` are not used.',
  'Outside of a pod the cluster is taken from `collectors.ksm.kubeconfig`, which must exist, or from `$KUBECONFIG`: a list of files ' +
    'separated by colons, of which missing files are skipped and the others are merged as in kubectl; the first ' +
    'definition of a cluster, user, context or current context is used. Otherwise from `~/.kube/config`.',
  '`firesteel check-config FILE --connect` checks whether all receivers accept pushes, and identifies them and their versions; ' +
    'nothing is stored there.',
];

/** The page on the configuration, generated from its JSON schema. */
export function configurationReference(whole: object): string {
  const schema = whole as Schema;
  const sections = Object.entries(schema.properties ?? {});
  const single = sections.filter(([, section]) => section.properties === undefined && !isMapOfSections(section));
  const settings = SETTINGS.map(({ path, flag, env, help }) => [
    `\`${path.join('.')}\``,
    `\`--${flag}\``,
    env.map((name) => `\`${name}\``).join(' '),
    help,
  ]);
  return [
    '# Configuration',
    GENERATED,
    'A YAML file (`--config FILE` or `FIRESTEEL_CONFIG`), then environment variables, then flags; later ones take precedence. An unknown ' +
      'key is refused with its position and the nearest known one. `firesteel check-config FILE` reports all problems, ' +
      '`--print` shows the configuration with all defaults. Secrets are only referenced as files, which are read again ' +
      'when they change. SIGHUP and `POST /v1/reload` read the configuration again.',
    'Durations are written `15s`, `1m30s` or `250ms`, sizes `64KiB`, `256MiB`. ' +
      'An item of a list of names may itself be a list with commas. ' +
      '[config.schema.json](config.schema.json) is the schema for editors.',
    '## Environment and flags',
    table(['setting', 'flag', 'environment', 'what'], settings),
    '`--set PATH=VALUE` sets any other setting; the value is YAML.',
    ...WAYS,
    '## Top level',
    table(
      ['key', 'default', 'what'],
      single.flatMap(([name, section]) => rowsOf(name, section, 0)),
    ),
    ...sections.filter((section) => !single.includes(section)).map(([name, section]) => sectionText(name, section)),
    '',
  ].join('\n\n');
}

/** The settings of one section as rows: path, default, description. */
export const settingRows = (section: object): string[][] =>
  Object.entries((section as Schema).properties ?? {}).flatMap(([name, schema]) => rowsOf(name, schema, 0));

const isMapOfSections = ({ additionalProperties: element }: Schema): boolean =>
  typeof element === 'object' && (element.properties !== undefined || variantsOf(element) !== undefined);

function sectionText(name: string, section: Schema): string {
  const { additionalProperties: element } = section;
  const content = typeof element === 'object' && isMapOfSections(section) ? element : section;
  const rows = fieldRows(content === section ? name : `${name}.NAME`, variantsOf(content) ?? only(content), 0);
  const intro = section.description === undefined ? [] : [section.description];
  return [`## ${name}`, ...intro, table(['key', 'default', 'what'], rows)].join('\n\n');
}

/** A setting as a row, or as several rows if it is a section. */
function rowsOf(path: string, schema: Schema, depth: number): string[][] {
  const page = ELSEWHERE[path];
  if (page !== undefined) return [[`\`${path}\``, '', `[${page}](${page})`]];
  const variants = variantsOf(schema) ?? (isSection(schema) ? only(schema) : undefined);
  if (variants && depth < 4) return fieldRows(path, variants, depth);
  const value = schema.default;
  const shown = value === undefined ? '' : `\`${JSON.stringify(value)}\``;
  return [[`\`${path}\``, shown, [choicesOf(schema), schema.description].filter(Boolean).join(' ')]];
}

/** Variants of a section by name. */
type Variants = ReadonlyMap<string, Schema>;

const only = (section: Schema): Variants => new Map([['', section]]);

const isSection = ({ properties = {} }: Schema): boolean => Object.keys(properties).length > 0;

/** The rows of a section's fields. A field that only some variants have, or that differs between them, names these. */
function fieldRows(path: string, variants: Variants, depth: number, all: number = variants.size): string[][] {
  const keys = new Set([...variants.values()].flatMap(({ properties = {} }) => Object.keys(properties)));
  return [...keys].flatMap((key) => {
    const at = `${path}.${key}`;
    const having = new Map<string, Schema>();
    for (const [name, { properties }] of variants) {
      const schema = properties?.[key];
      if (schema !== undefined) having.set(name, schema);
    }
    const schemas = [...having.values()];
    if (schemas.every(({ const: constant }) => constant !== undefined)) return [choiceRow(at, schemas)];
    if (schemas.every(isSection) && all > 1) return fieldRows(at, having, depth + 1, all);
    const alike = Map.groupBy(having, ([, schema]) => JSON.stringify(schema));
    return [...alike.values()].flatMap((same) => {
      const rows = same.slice(0, 1).flatMap(([, schema]) => rowsOf(at, schema, depth + 1));
      if (same.length === all) return rows;
      const names = same.map(([name]) => name).join(', ');
      return rows.map(([setting = '', value = '', what = '']) => [setting, value, `*${names}:* ${what}`.trim()]);
    });
  });
}

/** The field that identifies a variant. */
function choiceRow(path: string, all: readonly Schema[]): string[] {
  const choices = all.map(({ const: value, description }) =>
    description === undefined ? `\`${value}\`` : `\`${value}\`: ${description}`,
  );
  return [`\`${path}\``, '', `${choices.join('; ')}.`];
}

/**
 * The variants of a union of sections by the constant that identifies them; undefined for everything else. Throws for
 * a union of sections without one: its settings would be missing from the page.
 */
function variantsOf(schema: Schema): Variants | undefined {
  const options = schema.oneOf ?? schema.anyOf;
  if (!options?.some(isSection)) return undefined;
  const constant = Object.keys(options[0]?.properties ?? {}).find((key) =>
    options.every(({ properties }) => properties?.[key]?.const !== undefined),
  );
  if (constant === undefined) throw new Error('a union of sections without a constant that identifies them');
  return new Map(options.map((option) => [String(option.properties?.[constant]?.const), option]));
}

function choicesOf(schema: Schema): string {
  const choices = schema.enum ?? schema.items?.enum;
  return choices && choices.length <= 8 ? `${choices.map((choice) => `\`${choice}\``).join(', ')}.` : '';
}
