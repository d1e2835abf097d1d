import { milliQuantity, type QuantityText, wholeQuantity } from '../../kube/quantity.ts';
import { sanitise } from './label-names.ts';
import type { Emit, LabelValue } from './resource.ts';

/** Amounts by the name of a compute resource: `resources.limits` of a container, `status.capacity` of a node. */
export type Amounts = Readonly<Record<string, QuantityText>> | null | undefined;

type ResourceUnit = 'core' | 'byte' | 'integer';

const UNITS: Readonly<Record<string, ResourceUnit>> = {
  cpu: 'core',
  memory: 'byte',
  storage: 'byte',
  'ephemeral-storage': 'byte',
};

/**
 * Emits amounts with the labels `resource` and `unit` last; amounts without a known unit or a readable value are
 * omitted. Amounts of a `container`, and others that are requested or limited, are whole numbers except for CPU; those of
 * a `node`, and others that are offered, have thousandths, and include pods.
 */
export function emitAmounts(
  emit: Emit,
  amounts: Amounts,
  of: 'container' | 'node',
  ...before: readonly LabelValue[]
): void {
  for (const [name, text] of Object.entries(amounts ?? {})) {
    const unit = of === 'node' && name === 'pods' ? 'integer' : unitOf(name);
    if (unit === undefined) continue;
    const amount = of === 'node' || unit === 'core' ? milliQuantity(text) : wholeQuantity(text);
    if (amount !== undefined) emit(amount, ...before, sanitise(name), unit);
  }
}

/** The unit in which kube-state-metrics reports amounts of `name`; undefined for those it does not report. */
function unitOf(name: string): ResourceUnit | undefined {
  if (Object.hasOwn(UNITS, name)) return UNITS[name];
  if (name.startsWith('hugepages-') || name.startsWith('attachable-volumes-')) return 'byte';
  return isExtendedResource(name) ? 'integer' : undefined;
}

const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const NAME_PART = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/**
 * Whether `name` is one that a device plugin may offer: qualified (`nvidia.com/gpu`), and not one of Kubernetes' own.
 */
function isExtendedResource(name: string): boolean {
  const [domain = '', local, ...more] = name.split('/');
  if (local === undefined || more.length > 0) return false;
  if (name.includes('kubernetes.io/') || name.startsWith('requests.')) return false;
  // A quota would count it as "requests.<name>", which has to be a valid name too.
  const quotaDomain = `requests.${domain}`;
  return quotaDomain.length <= 253 && DNS_SUBDOMAIN.test(quotaDomain) && local.length <= 63 && NAME_PART.test(local);
}
