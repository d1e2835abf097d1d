import { byName } from '../../../base/by-name.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { gauge, isMetricName } from '../../../metrics/family.ts';
import { groupVersionOf, type KubeFamily, PartlyLost, type Resource } from '../resource.ts';
import { resources } from '../resources/index.ts';
import {
  type CustomMetric,
  type CustomResourceConfig,
  CustomResourceError,
  parseCustomResourceConfig,
} from './config.ts';
import { addPathLabels, samplesOf } from './samples.ts';

/** The version of an entry that lets the API server choose. */
const ANY_VERSION = '*';

/**
 * The resources described by a `CustomResourceStateMetrics` file; entries for the same version of a resource are
 * merged. Several may have families of the same name. Throws {@link CustomResourceError} with all problems.
 */
export function parseCustomResources(text: string): Resource[] {
  const byName = Map.groupBy(
    parseCustomResourceConfig(text),
    (config) => `${pluralOf(config)}.${config.groupVersionKind.group}`,
  );
  const builtIn = new Set(resources.flatMap(({ families }) => families.map(({ family }) => family.name)));
  const problems: string[] = [];
  const custom = [...byName].flatMap(([name, entries]) => {
    const versions = Map.groupBy(entries, (entry) => entry.groupVersionKind.version);
    if (versions.size > 1 && versions.has(ANY_VERSION)) {
      problems.push(`${name}: version "*" together with other versions; each object would be reported twice`);
    }
    return [...versions.values()].map((same) => {
      const resource = resourceOf(same, versions.size > 1);
      for (const { family } of resource.families) {
        if (!isMetricName(family.name))
          problems.push(`${name}: ${JSON.stringify(family.name)} is not a valid metric name`);
        if (builtIn.has(family.name)) problems.push(`${name}: a built-in family ${family.name} already exists`);
      }
      return resource;
    });
  });
  if (problems.length > 0) throw new CustomResourceError([...new Set(problems)]);
  const counts = new Map<string, number>();
  const names = custom.flatMap(({ families }) => families.map(({ family }) => family.name));
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const isShared = ({ family }: KubeFamily) => (counts.get(family.name) ?? 0) > 1;
  return custom.map((resource) =>
    resource.families.some(isShared) ? { ...resource, sharesFamilies: true } : resource,
  );
}

/** The resource of all entries for the same version of it. */
function resourceOf(entries: readonly CustomResourceConfig[], hasSiblings: boolean): Resource {
  const [first] = entries as readonly [CustomResourceConfig];
  const { group, version, kind } = first.groupVersionKind;
  const name = pluralOf(first);
  const anyVersion = version === ANY_VERSION ? { current: '' } : undefined;
  return {
    name,
    kind,
    apiVersion: `${group}/${version}`,
    // The file does not specify it; where it matters, it is requested from the API server.
    namespaced: false,
    enabled: true,
    custom: true,
    ...(hasSiblings && { unique: `${name}.${version}.${group}` }),
    ...(anyVersion && { anyVersion }),
    ...(JSON.stringify(entries).includes('managedFields') && { readsManagers: true }),
    identity: { labels: [], values: () => [] },
    families: familiesOf(entries, anyVersion),
  };
}

/** Kubernetes' rule for the plural of a kind; definitions that deviate from it need `resourcePlural`. */
function pluralOf({ resourcePlural, groupVersionKind }: CustomResourceConfig): string {
  if (resourcePlural !== undefined) return resourcePlural;
  const kind = groupVersionKind.kind.toLowerCase();
  if (/(?:s|x|z|ch|sh)$/.test(kind)) return `${kind}es`;
  return /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

/** One family per name, since the same name may be configured more than once with different labels. */
function familiesOf(entries: readonly CustomResourceConfig[], anyVersion: Resource['anyVersion']): KubeFamily[] {
  const byName = new Map<string, KubeFamily[]>();
  for (const entry of entries) {
    for (const metric of entry.metrics) {
      const name = [entry.metricNamePrefix, metric.name].filter((part) => part !== '').join('_');
      byName.set(name, [...(byName.get(name) ?? []), familyOf(name, metric, entry, anyVersion)]);
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

const VERSION_LABEL = 'customresource_version';

function familyOf(
  name: string,
  metric: CustomMetric,
  entry: CustomResourceConfig,
  anyVersion: Resource['anyVersion'],
): KubeFamily {
  const { group, version, kind } = entry.groupVersionKind;
  const common = {
    ...entry.commonLabels,
    customresource_group: group,
    [VERSION_LABEL]: version,
    customresource_kind: kind,
    ...metric.commonLabels,
  };
  const fromPath = { ...entry.labelsFromPath, ...metric.labelsFromPath };
  const { each } = metric;
  const own = each.type === 'stateSet' ? each.labelName : each.labelFromKey;
  return {
    // Without isMetricName a name from a file would look like a bug of ours; parseCustomResources reports it.
    family: { ...gauge('custom', metric.help), name },
    stability: 'ALPHA',
    extraLabels: [...Object.keys({ ...common, ...fromPath, ...each.labelsFromPath }), ...(own ? [own] : [])],
    samples(object: KubeObject, emit) {
      const base = new Map(Object.entries(common));
      if (anyVersion && base.get(VERSION_LABEL) === ANY_VERSION) {
        base.set(VERSION_LABEL, object.apiVersion ? groupVersionOf(object.apiVersion).version : anyVersion.current);
      }
      addPathLabels(base, object, fromPath);
      const { samples, errors } = samplesOf(each, object);
      for (const { labels, value } of samples) {
        const all = [...new Map([...base, ...labels])].sort(byName);
        emit(value, ...all.flat());
      }
      if (errors.length > 0) throw new PartlyLost(errors.join('; '));
    },
  };
}
