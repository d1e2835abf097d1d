// systemd's D-Bus interface: org.freedesktop.systemd1(5). Absent on hosts without systemd, and in pods without access
// to the host's /run/dbus.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { DbusConnection, DbusError } from '../../host/dbus.ts';
import type { DbusValue } from '../../host/dbus-reader.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';

const version = gauge('node_systemd_version', 'Version of systemd, as a number.', ['version']);
const virtualization = gauge('node_systemd_virtualization_info', 'Always 1; virtualization reported by systemd.', [
  'virtualization_type',
]);
const running = gauge('node_systemd_system_running', 'Whether the system is running with no failed units.');
const units = gauge('node_systemd_units', 'Number of units, by state.', ['state']);
const unitState = gauge('node_systemd_unit_state', 'Whether the unit is in this state.', ['name', 'state', 'type']);
const startTime = gauge(
  'node_systemd_unit_start_time_seconds',
  'When the unit became active, in seconds since 1970; 0 if inactive.',
  ['name'],
);

/** Counts and times that are a property of one type of unit each. */
interface UnitProperty {
  readonly suffix: '.service' | '.socket' | '.timer';
  readonly interface: string;
  readonly property: string;
  readonly family: Family;
  readonly divisor?: number;
  readonly option?: 'enableTaskMetrics' | 'enableRestartsMetrics';
}

const service = { suffix: '.service', interface: 'org.freedesktop.systemd1.Service' } as const;
const socket = { suffix: '.socket', interface: 'org.freedesktop.systemd1.Socket' } as const;
const timer = { suffix: '.timer', interface: 'org.freedesktop.systemd1.Timer' } as const;

const PROPERTIES: readonly UnitProperty[] = [
  {
    ...service,
    property: 'NRestarts',
    family: counter('node_systemd_service_restart_total', 'Restarts of the service by systemd.', ['name']),
    option: 'enableRestartsMetrics',
  },
  {
    ...service,
    property: 'TasksCurrent',
    family: gauge('node_systemd_unit_tasks_current', 'Current number of tasks of the unit.', ['name']),
    option: 'enableTaskMetrics',
  },
  {
    ...service,
    property: 'TasksMax',
    family: gauge('node_systemd_unit_tasks_max', 'Task limit of the unit.', ['name']),
    option: 'enableTaskMetrics',
  },
  {
    ...socket,
    property: 'NAccepted',
    family: counter('node_systemd_socket_accepted_connections_total', 'Connections accepted by the socket.', ['name']),
  },
  {
    ...socket,
    property: 'NConnections',
    family: gauge('node_systemd_socket_current_connections', 'Open connections of the socket.', ['name']),
  },
  {
    // Counts up, but is a gauge in node_exporter. Since systemd 239.
    ...socket,
    property: 'NRefused',
    family: gauge('node_systemd_socket_refused_connections_total', 'Connections refused by the socket.', ['name']),
  },
  {
    ...timer,
    property: 'LastTriggerUSec',
    family: gauge('node_systemd_timer_last_trigger_seconds', 'When the timer last fired, in seconds since 1970.', [
      'name',
    ]),
    divisor: 1e6,
  },
];

const options = z.strictObject({
  unitInclude: pattern().prefault('.+').describe('Include only units whose full name matches.'),
  unitExclude: pattern()
    .prefault('.+\\.(automount|device|mount|scope|slice)')
    .describe('Exclude units whose full name matches.'),
  enableTaskMetrics: z.boolean().default(false).describe('Export the number of tasks of each service and its limit.'),
  enableRestartsMetrics: z.boolean().default(false).describe('Export the number of restarts of each service.'),
  enableStartTimeMetrics: z.boolean().default(false).describe('Export when each unit became active.'),
  private: z
    .boolean()
    .default(false)
    .describe('Connect to systemd through its private socket, which requires root, instead of the message bus.'),
});
type Options = z.output<typeof options>;

/** States of systemd's units. */
export const systemd = defineCollector({
  name: 'systemd',
  enabled: false,
  summary:
    'States of systemd units, restarts, tasks, sockets and timers, from D-Bus (`/run/dbus/system_bus_socket`, or ' +
    '`/run/systemd/private` with the option `private`).',
  options,
  families: [version, virtualization, running, units, unitState, startTime, ...PROPERTIES.map(({ family }) => family)],
  create({ host }, given) {
    const path = host.root(given.private ? '/run/systemd/private' : '/run/dbus/system_bus_socket');
    const include = given.unitInclude.whole();
    const exclude = given.unitExclude.whole();
    return async (out, signal) => {
      const connection = await DbusConnection.connect(path, !given.private, signal);
      try {
        const manager = new Manager(connection);
        const all = await manager.units();
        await addSystem(out, manager);
        addSummary(out, all);
        const wanted = all.filter(({ name, loaded }) => loaded && include.test(name) && !exclude.test(name));
        // Responses arrive while later requests are still in flight; samples are added unit by unit.
        for (const add of await Promise.all(wanted.map((unit) => readUnit(manager, unit, given)))) add(out);
      } finally {
        connection.close();
      }
    };
  },
});

/** A unit as reported by ListUnits. */
interface SystemdUnit {
  readonly name: string;
  readonly loaded: boolean;
  readonly activeState: string;
  readonly path: string;
}

const DESTINATION = 'org.freedesktop.systemd1';
const MANAGER = { destination: DESTINATION, path: '/org/freedesktop/systemd1' };
/** The error of a bus for a name without an owner. */
const NOBODY = /^org\.freedesktop\.DBus\.Error\.(?:ServiceUnknown|NameHasNoOwner|Spawn\.)/;

/** systemd as the peer of a connection. */
class Manager {
  readonly #connection: DbusConnection;

  constructor(connection: DbusConnection) {
    this.#connection = connection;
  }

  /** All units, sorted by name. Throws NoData when the bus has no systemd. */
  async units(): Promise<SystemdUnit[]> {
    const call = { ...MANAGER, interface: `${DESTINATION}.Manager`, member: 'ListUnits', args: [] };
    try {
      const [rows] = await this.#connection.call(call);
      return (rows as readonly (readonly DbusValue[])[]).map(unitOf).sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (cause) {
      if (!(cause instanceof DbusError) || !NOBODY.test(cause.name)) throw cause;
      throw new NoData(`systemd is not on the message bus: ${cause.message}`, { cause });
    }
  }

  /** A property; undefined when this version has none of that name, or the unit was just removed. */
  async property(path: string, iface: string, name: string): Promise<DbusValue | undefined> {
    const call = { interface: 'org.freedesktop.DBus.Properties', member: 'Get', args: [iface, name] };
    try {
      return (await this.#connection.call({ destination: DESTINATION, path, ...call }))[0];
    } catch (cause) {
      if (cause instanceof DbusError) return undefined;
      throw cause;
    }
  }

  /** A property of systemd itself. */
  async own(name: string): Promise<string | undefined> {
    const value = await this.property(MANAGER.path, `${DESTINATION}.Manager`, name);
    return typeof value === 'string' ? value : undefined;
  }
}

/** A row of ListUnits, `(ssssssouso)`. */
function unitOf(row: readonly DbusValue[]): SystemdUnit {
  const [name, , loadState, activeState, , , path] = row.map(String);
  if (name === undefined || activeState === undefined || path === undefined) throw new Error('ListUnits: a short row');
  return { name, loaded: loadState === 'loaded', activeState, path };
}

async function addSystem(out: Snapshot, manager: Manager): Promise<void> {
  const names = ['Version', 'Virtualization', 'SystemState'] as const;
  const [text = '', virtual, state] = await Promise.all(names.map((name) => manager.own(name)));
  const number = /[0-9]{3,}(?:\.[0-9]+)?/.exec(text)?.[0];
  out.add(version, Number(number ?? 0), number === undefined ? '' : text);
  out.add(virtualization, 1, virtual === undefined ? 'unknown' : virtual || 'none');
  if (state !== undefined) out.add(running, state === 'running' ? 1 : 0);
}

const STATES = ['active', 'activating', 'deactivating', 'inactive', 'failed'];

function addSummary(out: Snapshot, all: readonly SystemdUnit[]): void {
  const counts = new Map(STATES.map((state) => [state, 0]));
  for (const { activeState } of all) counts.set(activeState, (counts.get(activeState) ?? 0) + 1);
  for (const [state, count] of counts) out.add(units, count, state);
}

/** Reads the data of one unit; returns the function that adds it. */
async function readUnit(manager: Manager, unit: SystemdUnit, given: Options): Promise<(out: Snapshot) => void> {
  const properties = PROPERTIES.filter(
    ({ suffix, option }) => unit.name.endsWith(suffix) && (option === undefined || given[option]),
  );
  const isActive = unit.activeState === 'active';
  const [type, activeSince, ...values] = await Promise.all([
    unitType(manager, unit),
    given.enableStartTimeMetrics && isActive
      ? manager.property(unit.path, `${DESTINATION}.Unit`, 'ActiveEnterTimestamp')
      : undefined,
    ...properties.map((one) => manager.property(unit.path, one.interface, one.property)),
  ]);
  return (out) => {
    for (const state of STATES) out.add(unitState, state === unit.activeState ? 1 : 0, unit.name, state, type);
    if (given.enableStartTimeMetrics && (!isActive || activeSince !== undefined)) {
      out.add(startTime, Number(activeSince ?? 0) / 1e6, unit.name);
    }
    for (const [index, { family, divisor = 1 }] of properties.entries()) {
      const value = values[index];
      if (value !== undefined && value !== NO_LIMIT) out.add(family, Number(value) / divisor, unit.name);
    }
  };
}

/** How systemd represents a missing number: no limit, or no accounting. */
const NO_LIMIT = 2n ** 64n - 1n;

const TYPED: Readonly<Record<string, string>> = { service: 'Service', mount: 'Mount' };

async function unitType(manager: Manager, { name, path }: SystemdUnit): Promise<string> {
  const kind = TYPED[name.slice(name.lastIndexOf('.') + 1)];
  return kind === undefined ? '' : String((await manager.property(path, `${DESTINATION}.${kind}`, 'Type')) ?? '');
}
