import { Counter, Gauge, type Registry } from 'prom-client';

/** Self metrics of one election. */
export interface LeaseMetrics {
  readonly transitions: Gauge.Internal<'lease'>;
  readonly renewed: Gauge.Internal<'lease'>;
  readonly errors: Counter.Internal;
}

/**
 * Registers them in `registry`. `lease` is the name of the Lease, or empty without an election. Leadership is evaluated
 * at each collection, since it can end by time alone.
 */
export function leaseMetrics(
  registry: Registry,
  lease: string,
  isLeader: () => boolean,
  isWithoutLease = () => false,
): LeaseMetrics {
  const registers = [registry];
  const labelNames = ['lease'] as const;
  new Gauge({
    name: 'firesteel_leader',
    help: 'Whether this process is the leader, the only one that pushes the cluster state.',
    labelNames,
    registers,
    collect() {
      this.set({ lease }, isLeader() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'firesteel_leader_without_lease',
    help: 'Whether this process is the leader only because the Lease cannot be renewed and no other state agent reaches the API server.',
    labelNames,
    registers,
    collect() {
      this.set({ lease }, isWithoutLease() ? 1 : 0);
    },
  });
  const transitions = new Gauge({
    name: 'firesteel_lease_transitions',
    help: 'Number of times the Lease has changed holders, from its leaseTransitions field.',
    labelNames,
    registers,
  });
  const renewed = new Gauge({
    name: 'firesteel_lease_last_renewal_timestamp_seconds',
    help: 'Time when this process last acquired or renewed the Lease, in seconds since 1970.',
    labelNames,
    registers,
  });
  const errors = new Counter({
    name: 'firesteel_lease_errors_total',
    help: 'Failed election rounds; losing a round to another candidate does not count.',
    labelNames,
    registers,
  });
  errors.inc({ lease }, 0);
  return {
    transitions: transitions.labels(lease),
    renewed: renewed.labels(lease),
    errors: errors.labels(lease),
  };
}
