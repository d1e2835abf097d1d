import { Counter, Gauge, type Registry } from 'prom-client';

/** The self metrics of one election. */
export interface LeaseMetrics {
  readonly transitions: Gauge.Internal<'lease'>;
  readonly renewed: Gauge.Internal<'lease'>;
  readonly errors: Counter.Internal;
}

/**
 * Registers them in `registry`. `lease` is the Lease's name, or empty where there is no election; whether this is the
 * master is asked at each collection, since mastership ends by time alone.
 */
export function leaseMetrics(
  registry: Registry,
  lease: string,
  isMaster: () => boolean,
  isWithoutLease = () => false,
): LeaseMetrics {
  const registers = [registry];
  const labelNames = ['lease'] as const;
  new Gauge({
    name: 'firesteel_leader',
    help: 'Whether this process is the master, which alone pushes the state of the cluster.',
    labelNames,
    registers,
    collect() {
      this.set({ lease }, isMaster() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'firesteel_leader_without_lease',
    help: 'Whether this process is the master only because no state agent reaches the API server.',
    labelNames,
    registers,
    collect() {
      this.set({ lease }, isWithoutLease() ? 1 : 0);
    },
  });
  const transitions = new Gauge({
    name: 'firesteel_lease_transitions',
    help: 'How often the Lease has changed hands, by its own record.',
    labelNames,
    registers,
  });
  const renewed = new Gauge({
    name: 'firesteel_lease_last_renewal_timestamp_seconds',
    help: 'When this process last acquired or renewed the Lease, in seconds since 1970.',
    labelNames,
    registers,
  });
  const errors = new Counter({
    name: 'firesteel_lease_errors_total',
    help: 'Rounds of the election that failed; losing one to another candidate is no failure.',
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
