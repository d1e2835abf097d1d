import type { StaticTarget } from '../config/scrape-schema.ts';
import { applyRules, type LabelMap } from '../metrics/relabel/apply.ts';
import type { RelabelRule } from '../metrics/relabel/rule.ts';

/** How a target is scraped: the combination of its own and the common settings. */
export interface TargetSettings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly auth?: StaticTarget['auth'];
  readonly tls?: StaticTarget['tls'];
  readonly metricRelabel: readonly RelabelRule[];
}

/** A discovered target, before relabeling. */
export interface DiscoveredTarget {
  /** Its origin, for display: `targets[0]`, `pods[0] (web)`, `annotations`. */
  readonly source: string;
  /** `__address__`, `__scheme__`, `__metrics_path__`, `__param_*`, `__meta_*`, `job` and its own labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: TargetSettings;
  readonly relabel: readonly RelabelRule[];
  /** Why it can't be scraped. */
  readonly problem?: string | undefined;
}

/** A target to scrape. */
export interface ScrapeTarget {
  /** Equal for the same target, independent of other targets. */
  readonly id: string;
  readonly source: string;
  readonly url: string;
  /** Labels on all its series, including job and instance. */
  readonly labels: Readonly<Record<string, string>>;
  readonly settings: TargetSettings;
  readonly problem?: string | undefined;
}

/** A label of a target, with its default if a rule leaves it empty. */
const DEFAULTS = { __scheme__: 'http', __metrics_path__: '/metrics' } as const;

/** A target after relabeling; undefined if a rule drops it. Labels that begin with `__` are removed. */
export function targetOf({
  source,
  labels: found,
  settings,
  relabel,
  problem,
}: DiscoveredTarget): ScrapeTarget | undefined {
  const labels: LabelMap = new Map(Object.entries(found).filter(([, value]) => value !== ''));
  if (!applyRules(labels, relabel)) return undefined;
  const address = labels.get('__address__') ?? '';
  const scheme = labels.get('__scheme__') ?? DEFAULTS.__scheme__;
  const path = labels.get('__metrics_path__') ?? DEFAULTS.__metrics_path__;
  const query = new URLSearchParams();
  for (const [name, value] of labels) {
    if (name.startsWith(PARAM)) query.append(name.slice(PARAM.length), value);
  }
  const written = `${scheme}://${address}${path.startsWith('/') ? '' : '/'}${path}`;
  const own = Object.fromEntries([...labels].filter(([name]) => !name.startsWith('__')));
  const named = { ...own, job: own.job ?? 'scrape', instance: own.instance ?? address };
  const url = urlOf(written, query);
  const wrong = problem ?? (url === undefined ? `${written} is not a valid address` : undefined);
  return {
    // Different request settings make a different target, even at the same address.
    id: JSON.stringify([source, url ?? written, Object.entries(named).sort(), wrong ?? '']),
    source,
    url: url ?? written,
    labels: named,
    settings,
    problem: wrong,
  };
}

const PARAM = '__param_';

function urlOf(written: string, query: URLSearchParams): string | undefined {
  if (!/^https?:\/\/[^/?#@\s]+(?:[/?#]|$)/.test(written) || !URL.canParse(written)) return undefined;
  const url = new URL(written);
  for (const [name, value] of query) url.searchParams.append(name, value);
  return url.href;
}

/** The URLs of a fixed target. */
export function staticCandidates(
  targets: readonly StaticTarget[],
  settingsOf: (own: StaticTarget) => TargetSettings,
  rules: readonly RelabelRule[],
): DiscoveredTarget[] {
  return targets.flatMap((target, index) =>
    target.urls.map((text) => {
      const url = new URL(text);
      const params = Object.fromEntries([...url.searchParams].map(([name, value]) => [`${PARAM}${name}`, value]));
      return {
        source: `targets[${index}]`,
        labels: {
          __address__: url.host === url.hostname && !/:\d+$/.test(text.split('/')[2] ?? '') ? withPort(url) : url.host,
          __scheme__: url.protocol.slice(0, -1),
          __metrics_path__: url.pathname === '/' ? DEFAULTS.__metrics_path__ : url.pathname,
          ...params,
          job: target.job,
          ...target.labels,
        },
        settings: settingsOf(target),
        relabel: [...rules, ...target.relabel],
      };
    }),
  );
}

/** URL omits the default port of a scheme; an instance includes it, as in Prometheus. */
const withPort = ({ hostname, protocol }: URL): string => `${hostname}:${protocol === 'https:' ? 443 : 80}`;
