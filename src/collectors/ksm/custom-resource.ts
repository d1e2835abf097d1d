import type { KubeObject } from '../../kube/object.ts';
import { gauge, isMetricName } from '../../metrics/family.ts';
import {
  type CustomMetric,
  type CustomResourceConfig,
  CustomResourceError,
  parseCustomResourceConfig,
} from './custom-resource-config.ts';
import { addPathLabels, samplesOf } from './custom-resource-samples.ts';
import { type KubeFamily, PartlyLost, type Resource } from './resource.ts';
import { resources } from './resources/index.ts';

/**
 * The resources that a `CustomResourceStateMetrics` file describes; entries for the same resource become one. Throws
 * {@link CustomResourceError} with everything that is wrong.
 */
export function parseCustomResources(text: string): Resource[] {
  const configs = Map.groupBy(
    parseCustomResourceConfig(text),
    (config) => `${pluralOf(config)}.${config.groupVersionKind.group}`,
  );
  const taken = new Set(resources.flatMap(({ families }) => families.map(({ family }) => family.name)));
  const problems: string[] = [];
  const custom = [...configs].map(([name, entries]) => {
    const [first] = entries as [CustomResourceConfig];
    const { group, version, kind } = first.groupVersionKind;
    if (entries.some((entry) => entry.groupVersionKind.version !== version)) {
      problems.push(`${name}: more than one version; each object would be told of twice`);
    }
    const families = familiesOf(entries);
    for (const { family } of families) {
      if (!isMetricName(family.name)) problems.push(`${name}: ${JSON.stringify(family.name)} is no metric name`);
      if (taken.has(family.name)) problems.push(`${name}: there is already a family ${family.name}`);
    }
    for (const { family } of families) taken.add(family.name);
    return {
      name: pluralOf(first),
      kind,
      apiVersion: `${group}/${version}`,
      // The file does not say; a list of all namespaces works for both.
      namespaced: false,
      enabled: true,
      custom: true,
      identity: { labels: [], values: () => [] },
      families,
    };
  });
  if (problems.length > 0) throw new CustomResourceError(problems);
  return custom;
}

/** Kubernetes' own rule for the plural of a kind; definitions that break it need `resourcePlural`. */
function pluralOf({ resourcePlural, groupVersionKind }: CustomResourceConfig): string {
  if (resourcePlural !== undefined) return resourcePlural;
  const kind = groupVersionKind.kind.toLowerCase();
  if (/(?:s|x|z|ch|sh)$/.test(kind)) return `${kind}es`;
  return /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

/** One family a name, since the same name may be configured more than once with different labels. */
function familiesOf(entries: readonly CustomResourceConfig[]): KubeFamily[] {
  const byName = new Map<string, KubeFamily[]>();
  for (const entry of entries) {
    for (const metric of entry.metrics) {
      const name = [entry.metricNamePrefix, metric.name].filter((part) => part !== '').join('_');
      byName.set(name, [...(byName.get(name) ?? []), familyOf(name, metric, entry)]);
    }
  }
  return [...byName.values()].map((families) => {
    const [first, ...more] = families as [KubeFamily];
    if (more.length === 0) return first;
    return {
      ...first,
      extraLabels: [...new Set(families.flatMap(({ extraLabels }) => extraLabels ?? []))],
      samples: (...args) => {
        for (const { samples } of families) samples(...args);
      },
    };
  });
}

function familyOf(name: string, metric: CustomMetric, entry: CustomResourceConfig): KubeFamily {
  const { group, version, kind } = entry.groupVersionKind;
  const common = {
    ...entry.commonLabels,
    customresource_group: group,
    customresource_version: version,
    customresource_kind: kind,
    ...metric.commonLabels,
  };
  const fromPath = { ...entry.labelsFromPath, ...metric.labelsFromPath };
  const { each } = metric;
  const own = each.type === 'stateSet' ? each.labelName : each.labelFromKey;
  return {
    // Without isMetricName a name from a file would look like a mistake of ours; parseCustomResources tells of it.
    family: { ...gauge('custom', metric.help), name },
    stability: 'ALPHA',
    extraLabels: [...Object.keys({ ...common, ...fromPath, ...each.labelsFromPath }), ...(own ? [own] : [])],
    samples(object: KubeObject, emit) {
      const base = new Map(Object.entries(common));
      addPathLabels(base, object, fromPath);
      const { samples, errors } = samplesOf(each, object);
      for (const { labels, value } of samples) {
        const all = [...new Map([...base, ...labels])].sort(([one], [other]) => (one < other ? -1 : 1));
        emit(value, ...all.flat());
      }
      if (errors.length > 0) throw new PartlyLost(errors.join('; '));
    },
  };
}
