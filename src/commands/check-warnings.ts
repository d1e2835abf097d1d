import type { Config } from '../agent/agent.ts';
import { errorText } from '../base/error-text.ts';
import { readText, whyUnread } from '../base/files.ts';
import { isKeyOf } from '../base/records.ts';
import { resources } from '../collectors/ksm/resources/index.ts';
import { TWO_CREDENTIALS } from '../config/http-auth.ts';
import { SecretFile } from '../config/secret-file.ts';

/** Likely mistakes that do not prevent the agent from starting, one line each; `file` is the configuration file. */
export const configWarnings = (config: Config, file: string): readonly string[] => [
  ...emptiness(file),
  ...pushesNothing(config),
  ...unreadFiles(config),
  ...idleRules(config),
  ...ignoredTokens(config),
  ...idleAllowlists(config),
];

/** No configuration is near this size; the loader has refused larger ones. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** A file of comments only counts as empty. */
function emptiness(file: string): readonly string[] {
  const isEmpty = readText(file, MAX_CONFIG_BYTES)
    .split('\n')
    .every((line) => /^\s*(?:#.*|---|\.\.\.)?\s*$/.test(line));
  return isEmpty ? [`${file} sets nothing: the agent runs with its defaults`] : [];
}

function pushesNothing({ exporters }: Config): readonly string[] {
  const all = Object.values(exporters);
  if (all.some(({ enabled }) => enabled)) return [];
  const none = all.length === 0 ? 'no exporter is configured' : 'no exporter is enabled';
  return [`${none}: nothing is pushed, series are only served at /metrics`];
}

/** Keys of files with a one-line secret. */
const SECRET = /(?:username|password|token)File$/i;
/** Keys of TLS files. */
const PEM = /^(?:ca|cert|key)File$/;
/** Whether files of this key are read by the check. */
export const isCheckedFile = (key: string): boolean => SECRET.test(key) || PEM.test(key);
/** No chain of certificates is larger. */
const MAX_PEM_BYTES = 1024 * 1024;

/** Files with secrets and certificates that cannot be read here. The agent starts without them and tries again. */
function unreadFiles(value: unknown, path: readonly string[] = []): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('enabled' in value && value.enabled === false) return [];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    const at = [...path, key];
    // The keys there are names of headers.
    const kind = path.at(-1) === 'headerFiles' ? 'tokenFile' : key;
    const why = typeof item === 'string' ? whyUnusable(kind, item) : undefined;
    return why === undefined ? unreadFiles(item, at) : [`${at.join('.')}: ${why}`];
  });
}

/** Kubernetes mounts it into pods, and nowhere else: so its absence here is irrelevant. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/';

function whyUnusable(key: string, file: string): string | undefined {
  if (!isCheckedFile(key) || file.startsWith(SERVICE_ACCOUNT)) return undefined;
  try {
    if (SECRET.test(key)) new SecretFile(file).read();
    else readText(file, MAX_PEM_BYTES);
    return undefined;
  } catch (cause) {
    return SECRET.test(key) ? errorText(cause) : `cannot read ${file}: ${whyUnread(cause)}`;
  }
}

/** Rules of one group that set labels of the push itself, and therefore have no effect. */
function idleRules({ groups, identity }: Config): readonly string[] {
  return Object.entries(groups).flatMap(([group, { relabel }]) => {
    if (!isKeyOf(identity, group) || !('job' in identity[group])) return [];
    return relabel.flatMap(({ targetLabel }, index) =>
      targetLabel === 'job' || targetLabel === 'instance'
        ? `groups.${group}.relabel.${index}: ${targetLabel} is set by identity.${group}.${targetLabel}, not by rules`
        : [],
    );
  });
}

/** Where it can be only one, exporters and probes refuse the configuration. Scrapes have always accepted it. */
function ignoredTokens({ scrape }: Config): readonly string[] {
  const kinds = { targets: scrape.targets, pods: scrape.pods };
  return Object.entries(kinds).flatMap(([kind, entries]) =>
    entries.flatMap(({ auth }, index) =>
      auth?.username === undefined || auth.bearerTokenFile === undefined
        ? []
        : [`scrape.${kind}.${index}.auth: ${TWO_CREDENTIALS}; bearerTokenFile is ignored`],
    ),
  );
}

/** Lists of labels or annotations for resources without a family that follows them, most of them as in kube-state-metrics. */
function idleAllowlists({ collectors: { ksm } }: Config): readonly string[] {
  const lists = { labels: ksm.labelsAllowlist, annotations: ksm.annotationsAllowlist };
  return resources.flatMap(({ name, families }) =>
    (['labels', 'annotations'] as const)
      .filter((what) => name in lists[what] && families.every(({ allowlisted }) => allowlisted !== what))
      .map((what) => `collectors.ksm.${what}Allowlist.${name} has no effect: no metric of ${name} follows this list`),
  );
}
