// Traps and informs sent to this agent by devices.
import { SecretFile } from '../../../config/secret-file.ts';
import type { Snapshot } from '../../../metrics/snapshot.ts';
import type { Collect, World } from '../../collector.ts';
import { CounterSet } from '../counter-set.ts';
import { snmpRefused, snmpTraps } from '../families.ts';
import { Remembered } from '../remembered.ts';
import type { LogState } from '../state.ts';
import { listenAddress, type SnmpOptions } from './options.ts';
import type { Senders, TrapReceiver } from './receiver.ts';
import { REFUSALS, type Refusal, STANDARD_NAMES, type Trap } from './trap.ts';
import { addUdpErrors } from './udp-errors.ts';

/** Receives each counted trap, with its sender's address, its name ('' without one), and its time, microseconds. */
export type TrapTaker = (trap: Trap, source: string, name: string, timeUs: number) => void;

interface SnmpWorld extends Pick<World, 'now'> {
  readonly state: LogState;
  readonly onTrap?: TrapTaker | undefined;
  /** Folder of the counters of the agent's own network namespace, in which it receives: `/proc/self/net`. */
  readonly net?: string;
}

/** The collector `snmp`. The port is opened in its first cycle, and reopened after a failure. */
export function collectSnmp(
  { listen, communityFiles, users, names, maxSeries, maxPerSecond }: SnmpOptions,
  { now, state, onTrap, net = '/proc/self/net' }: SnmpWorld,
): Collect {
  const traps = new CounterSet(snmpTraps, maxSeries);
  const refused = new CounterSet(snmpRefused, REFUSALS.length);
  for (const why of REFUSALS) refused.add(0, why);
  const remembered = new Remembered(state, 'snmp counts', { traps, refused });
  const readSenders = sendersOf(communityFiles, users);

  const taken = (trap: Trap, source: string): void => {
    const name = names[trap.oid] ?? STANDARD_NAMES[trap.oid] ?? '';
    traps.add(1, source, trap.oid, name, trap.version);
    onTrap?.(trap, source, name, now() * 1000);
  };
  const made = async (): Promise<TrapReceiver> => {
    await remembered.prepare();
    const { TrapReceiver } = await import('./receiver.ts');
    const onRefused = (why: Refusal): void => refused.add(1, why);
    const one = new TrapReceiver({ ...listenAddress(listen), maxPerSecond, now, onTrap: taken, onRefused });
    // A reload needs the port for the next receiver.
    await state.take('snmp port', { dump: () => null, release: () => one.close() });
    return one;
  };
  let making: Promise<TrapReceiver> | undefined;

  return async (out, signal) => {
    making ??= made();
    const receiver = await making;
    readSenders(out, receiver);
    addUdpErrors(out, net);
    await receiver.open(signal);
    await remembered.emit(out);
  };
}

/**
 * Sets the accepted senders if they have changed. An unreadable secret is a loss; the other senders remain accepted.
 */
function sendersOf(communityFiles: SnmpOptions['communityFiles'], users: SnmpOptions['users']) {
  const communities = communityFiles.map((path) => new SecretFile(path));
  const secrets = users.map(({ authPasswordFile, privPasswordFile, ...user }) => ({
    user: { ...user, authPasswordFile, privPasswordFile },
    auth: new SecretFile(authPasswordFile),
    priv: privPasswordFile === undefined ? undefined : new SecretFile(privPasswordFile),
  }));
  let before = '';
  return (out: Snapshot, receiver: TrapReceiver): void => {
    const senders: Senders = {
      communities: communities.flatMap((file) => out.attempt('communities', () => file.read()) ?? []),
      users: secrets.flatMap(({ user, auth, priv }) => {
        const read = () => ({
          ...{ ...user, authPassword: auth.read() },
          ...(priv !== undefined && { privPassword: priv.read() }),
        });
        return out.attempt(`user ${user.name}`, read) ?? [];
      }),
    };
    const text = JSON.stringify(senders);
    if (text !== before) receiver.senders = senders;
    before = text;
  };
}
