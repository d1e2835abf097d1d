import { SETTINGS } from '../src/config/settings-table.ts';
import { GENERATED, table } from './metric-reference.ts';
import { fieldRows, only, rowsOf, type Schema, variantsOf } from './setting-rows.ts';

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
  'Outside of a pod, the cluster is taken from `collectors.ksm.kubeconfig`, which must exist, or from `$KUBECONFIG`: a list of files ' +
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

const isMapOfSections = ({ additionalProperties: element }: Schema): boolean =>
  typeof element === 'object' && (element.properties !== undefined || variantsOf(element) !== undefined);

function sectionText(name: string, section: Schema): string {
  const { additionalProperties: element } = section;
  const content = typeof element === 'object' && isMapOfSections(section) ? element : section;
  const rows = fieldRows(content === section ? name : `${name}.NAME`, variantsOf(content) ?? only(content), 0);
  const intro = section.description === undefined ? [] : [section.description];
  return [`## ${name}`, ...intro, table(['key', 'default', 'what'], rows)].join('\n\n');
}
