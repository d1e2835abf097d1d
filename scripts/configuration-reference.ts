import { SETTINGS } from '../src/config/settings-table.ts';
import { GENERATED, table } from './metric-reference.ts';

/** The part of JSON Schema that zod makes of the configuration. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

/** Sections that have pages of their own. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'collectors.node': 'metrics/node.md',
  'collectors.container': 'metrics/container.md',
  'collectors.process': 'metrics/process.md',
  'collectors.ksm': 'metrics/kube-state.md',
};

/** How receivers and the API server are found, which is not in the file. */
const WAYS: readonly string[] = [
  '## Proxies, names, kubeconfigs',
  'Receivers and the API server are reached through `HTTPS_PROXY` (for `https://`) or `HTTP_PROXY` (for `http://`), also in ' +
    'lower case, as programs in Go choose it. The value is `http://proxy:3128`, `https://…` or `proxy:3128`, with ' +
    'credentials if it needs some; other schemes are refused at the start. `NO_PROXY` lists what is reached directly: ' +
    'addresses and networks (`10.0.0.0/8`, `2001:db8::/32`), domains with all below them (`cluster.local`), only what is ' +
    'below them (`.cluster.local`), each with a port if it has to be that one (`vm.example:8428`), or `*`. `localhost` and ' +
    'loopback addresses are always reached directly, the state agents and the kubelet too. Over `http://` a proxy sees ' +
    'credentials and headers: the agent and `check-config` warn of that. Errors name the proxy that was used. In a cluster, ' +
    'set `NO_PROXY=.svc,.cluster.local` and the network of the services.',
  'Names of receivers and of the API server are resolved by `/etc/hosts`, the search list and `ndots` of ' +
    '`/etc/resolv.conf`, and its name servers; answers are kept for their TTL, 5 minutes at most. Modules of ' +
    '`nsswitch.conf` other than `files` and `dns` are not asked.',
  'Outside of a pod the cluster is found by `collectors.ksm.kubeconfig`, which must exist, or by `$KUBECONFIG`: a list of files ' +
    'separated by colons, of which those that do not exist are skipped and the others merged as kubectl does; the first ' +
    'that has a cluster, user, context or current context counts. Else by `~/.kube/config`.',
  '`firesteel check-config FILE --connect` asks all receivers whether they take pushes, what they are and which version; ' +
    'nothing is stored there.',
];

/** The page on the configuration, made from its JSON schema. */
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
    'A YAML file (`--config FILE` or `FIRESTEEL_CONFIG`), then environment variables, then flags; the later wins. An unknown ' +
      'key is refused with its place and the nearest known one. `firesteel check-config FILE` says what is wrong, ' +
      '`--print` shows the configuration with all defaults. Secrets are only named by their files, which are read again ' +
      'when they change. SIGHUP and `POST /v1/reload` read the configuration again.',
    'Durations are written `15s`, `1m30s` or `250ms`, sizes `64KiB`, `256MiB`. ' +
      '[config.schema.json](config.schema.json) is the schema for editors.',
    '## Environment and flags',
    table(['setting', 'flag', 'environment', 'what'], settings),
    '`--set PATH=VALUE` gives any other setting, its value as YAML.',
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

const isMapOfSections = ({ additionalProperties: element }: Schema): boolean =>
  typeof element === 'object' && element.properties !== undefined;

function sectionText(name: string, section: Schema): string {
  const { additionalProperties: element } = section;
  const content = typeof element === 'object' && element.properties ? element : section;
  const rows = Object.entries(content.properties ?? {}).flatMap(([key, value]) =>
    rowsOf(content === section ? `${name}.${key}` : `${name}.NAME.${key}`, value, 1),
  );
  const intro = section.description === undefined ? [] : [section.description];
  return [`## ${name}`, ...intro, table(['key', 'default', 'what'], rows)].join('\n\n');
}

/** A setting as a row, or the rows of the section that it is. */
function rowsOf(path: string, schema: Schema, depth: number): string[][] {
  const page = ELSEWHERE[path];
  if (page !== undefined) return [[`\`${path}\``, '', `[${page}](${page})`]];
  const inner = Object.entries(schema.properties ?? {});
  if (inner.length > 0 && depth < 4) return inner.flatMap(([key, value]) => rowsOf(`${path}.${key}`, value, depth + 1));
  const value = schema.default;
  const shown = value === undefined ? '' : `\`${JSON.stringify(value)}\``;
  return [[`\`${path}\``, shown, [choicesOf(schema), schema.description].filter(Boolean).join(' ')]];
}

function choicesOf(schema: Schema): string {
  const choices = schema.enum ?? schema.items?.enum;
  return choices && choices.length <= 8 ? `${choices.map((choice) => `\`${choice}\``).join(', ')}.` : '';
}
