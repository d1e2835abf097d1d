// Tasks from the configuration of blackbox_exporter and its targets in Prometheus.
import type * as z from 'zod';
import {
  type blackboxConfig,
  dnsProber,
  type headerMatch,
  httpProber,
  icmpProber,
  type Module,
  type recordRules,
  type scrapeConfig,
  type targetGroup,
  type targetsFile,
  tcpProber,
  tlsConfig,
} from './blackbox-config.ts';

/** The result of the import. */
interface Imported {
  /** For the section `tasks` of the configuration. */
  readonly tasks: readonly Readonly<Record<string, unknown>>[];
  /** Settings that could not be imported, one line each. */
  readonly notes: readonly string[];
}

/** Targets that share module, job and labels. */
interface TargetGroup {
  readonly job?: string | undefined;
  readonly module: string;
  readonly interval?: string | undefined;
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const MAX_TARGETS = 100;

/** Creates tasks from blackbox.yml and a file of targets. Targets without a module get `usualModule`. */
export function tasksOfBlackbox(
  config: z.output<typeof blackboxConfig>,
  targets: z.output<typeof targetsFile>,
  usualModule = 'http_2xx',
): Imported {
  const tasks: Record<string, unknown>[] = [];
  const notes = new Set<string>();
  const ids = new Map<string, number>();
  for (const group of groupsOf(targets, usualModule)) {
    const found = config.modules[group.module];
    const make = found && PROBERS[found.prober];
    if (!found || !make) {
      notes.add(
        found
          ? `module ${group.module}: the prober ${found.prober} has no task type; its targets are left out`
          : `module ${group.module} is not in blackbox.yml: its targets are left out`,
      );
      continue;
    }
    const note = (what: string) => notes.add(`module ${group.module}: ${what}`);
    const settings = compact(make(found, note));
    for (let at = 0; at < group.targets.length; at += MAX_TARGETS) {
      tasks.push(
        compact({
          id: uniqueId(group, ids),
          ...settings,
          job: group.job,
          interval: group.interval ?? '60s',
          timeout: found.timeout,
          labels: group.labels,
          targets: group.targets.slice(at, at + MAX_TARGETS),
        }),
      );
    }
  }
  return { tasks, notes: [...notes] };
}

function groupsOf(targets: z.output<typeof targetsFile>, usualModule: string): TargetGroup[] {
  if (Array.isArray(targets)) return targets.map((group) => groupOf(group, usualModule));
  const { scrape_configs: jobs } = targets;
  if (!isJobs(jobs)) {
    return Object.entries(targets).map(([name, list]) => ({ module: name, targets: list as string[], labels: {} }));
  }
  return jobs.flatMap((job) => {
    const name = job.params?.module?.[0] ?? usualModule;
    return job.static_configs.map((group) => ({
      ...groupOf(group, name),
      job: job.job_name,
      interval: job.scrape_interval,
    }));
  });
}

const isJobs = (value: unknown): value is z.output<typeof scrapeConfig>[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'object');

function groupOf({ targets, labels }: z.output<typeof targetGroup>, usualModule: string): TargetGroup {
  const own = Object.entries(labels).filter(([name]) => !name.startsWith('__') && name !== 'module' && name !== 'job');
  return {
    module: labels.__param_module ?? labels.module ?? usualModule,
    job: labels.job,
    targets,
    labels: Object.fromEntries(own),
  };
}

function uniqueId({ job, module: name }: TargetGroup, ids: Map<string, number>): string {
  const base = `${job === undefined ? '' : `${job}-`}${name}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  const short = (base || 'probe').slice(0, 56);
  const count = (ids.get(short) ?? 0) + 1;
  ids.set(short, count);
  return count === 1 ? short : `${short}-${count}`;
}

type Note = (what: string) => void;

const PROBERS: Readonly<Record<string, (found: Module, note: Note) => Record<string, unknown>>> = {
  http: ({ http: settings = {} }, note) => ({
    type: 'http',
    ...chosenIp(settings),
    http: httpOf(settings as z.output<typeof httpProber>, note),
  }),
  tcp: ({ tcp: settings = {} }, note) => ({
    type: 'tcp',
    ...chosenIp(settings),
    tcp: tcpOf(settings as z.output<typeof tcpProber>, note),
  }),
  icmp: ({ icmp: settings = {} }, note) => ({ type: 'ping', ...chosenIp(settings), ping: icmpOf(settings, note) }),
  dns: ({ dns: settings }, note) =>
    settings ? { type: 'dns', ...chosenIp(settings), dns: dnsOf(settings, note) } : { type: 'dns' },
};

const chosenIp = (settings: { readonly preferred_ip_protocol?: unknown; readonly ip_protocol_fallback?: unknown }) => ({
  ip: settings.preferred_ip_protocol,
  fallback: settings.ip_protocol_fallback,
});

/** Records settings that are unknown here, or not usable in a file. */
function noteOthers(settings: object, shape: object, note: Note): void {
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(shape, name)) note(`${name} has no equivalent and is left out`);
  }
}

function httpOf(settings: z.output<typeof httpProber>, note: Note): Record<string, unknown> {
  noteOthers(settings, httpProber.shape, note);
  const { basic_auth: basic, authorization, bearer_token_file: token } = settings;
  if (basic && 'password' in basic) note('basic_auth.password has to be in a file: see http.auth.passwordFile');
  if (authorization && 'credentials' in authorization)
    note('credentials have to be in a file: see http.auth.bearerTokenFile');
  const bearerTokenFile = token ?? authorization?.credentials_file;
  const limit = settings.body_size_limit;
  return compact({
    method: settings.method,
    status: settings.valid_status_codes?.length ? settings.valid_status_codes : undefined,
    versions: settings.valid_http_versions?.map((version) => version.replace('HTTP/', '').replace(/^2\.0$/, '2')),
    followRedirects: settings.no_follow_redirects === true ? false : settings.follow_redirects,
    http2: settings.enable_http2,
    headers: settings.headers,
    payload: settings.body,
    payloadFile: settings.body_file,
    compression: settings.compression,
    auth: compact({
      username: basic?.username,
      passwordFile: basic ? (basic.password_file ?? '/etc/firesteel/probe-password') : undefined,
      bearerTokenFile,
    }),
    header: compact({
      match: settings.fail_if_header_not_matches?.map(headerCheck),
      notMatch: settings.fail_if_header_matches?.map(headerCheck),
    }),
    body: compact({
      match: settings.fail_if_body_not_matches_regexp,
      notMatch: settings.fail_if_body_matches_regexp,
      limit:
        typeof limit === 'number' ? (limit > 0 ? `${limit}B` : undefined) : limit?.replace(/^(\d+)([KMG])B$/, '$1$2iB'),
    }),
    ssl: settings.fail_if_ssl === true ? 'forbidden' : settings.fail_if_not_ssl === true ? 'required' : undefined,
    tls: settings.tls_config && tlsOf(settings.tls_config, note),
    proxy: settings.proxy_url,
  });
}

const headerCheck = ({ header, regexp, allow_missing: allowMissing }: z.output<typeof headerMatch>) =>
  compact({ name: header, pattern: regexp, allowMissing });

function tlsOf(settings: z.output<typeof tlsConfig>, note: Note): Record<string, unknown> {
  noteOthers(settings, tlsConfig.shape, (what) => note(`tls_config: ${what}`));
  return compact({
    caFile: settings.ca_file,
    certFile: settings.cert_file,
    keyFile: settings.key_file,
    serverName: settings.server_name,
    insecureSkipVerify: settings.insecure_skip_verify,
    minVersion: settings.min_version,
    maxVersion: settings.max_version,
  });
}

function tcpOf(settings: z.output<typeof tcpProber>, note: Note): Record<string, unknown> {
  noteOthers(settings, tcpProber.shape, note);
  const steps = settings.query_response ?? [];
  const hasTls = settings.tls === true || steps.some(({ starttls }) => starttls === true);
  return compact({
    dialogue: steps.map(({ expect, expect_bytes: expectBytes, send, starttls, labels }) =>
      compact({
        expect,
        expectBytes,
        send,
        startTls: starttls,
        labels: labels && Object.fromEntries(labels.map(({ name, value }) => [name, value])),
      }),
    ),
    tls: hasTls ? { ...(settings.tls_config && tlsOf(settings.tls_config, note)) } : undefined,
  });
}

function icmpOf(settings: Partial<z.output<typeof icmpProber>>, note: Note): Record<string, unknown> {
  noteOthers(settings, icmpProber.shape, note);
  return compact({ size: settings.payload_size, ttl: settings.ttl, dontFragment: settings.dont_fragment });
}

function dnsOf(settings: z.output<typeof dnsProber>, note: Note): Record<string, unknown> {
  noteOthers(settings, dnsProber.shape, note);
  const rules = (of: z.output<typeof recordRules> | undefined) =>
    of &&
    compact({
      match: of.fail_if_not_matches_regexp,
      matchAny: of.fail_if_none_matches_regexp,
      notMatch: of.fail_if_matches_regexp,
      notMatchAll: of.fail_if_all_match_regexp,
    });
  return compact({
    name: settings.query_name,
    type: settings.query_type,
    class: settings.query_class,
    recursion: settings.recursion_desired,
    transport: settings.dns_over_tls === true ? 'tls' : settings.transport_protocol,
    tls: settings.tls_config && tlsOf(settings.tls_config, note),
    rcodes: settings.valid_rcodes?.length ? settings.valid_rcodes : undefined,
    answer: rules(settings.validate_answer_rrs),
    authority: rules(settings.validate_authority_rrs),
    additional: rules(settings.validate_additional_rrs),
  });
}

/** Without unset values, and without objects that become empty; an empty `tls` has a meaning. */
function compact(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isEmpty = (name: string, value: unknown) =>
    value === undefined ||
    (Array.isArray(value) && value.length === 0) ||
    (name !== 'tls' && typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => !isEmpty(name, value)));
}
