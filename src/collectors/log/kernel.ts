// What the kernel reports: its messages from the journal or /dev/kmsg, and its mount table.
import { asError, errorCode } from '../../base/error-text.ts';
import { Turns } from '../../base/turns.ts';
import { KernelMessages, type OpenKmsg } from '../../host/kmsg.ts';
import { readMounts } from '../../host/mounts.ts';
import { uptimeSeconds } from '../../host/uptime.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { PodNames } from '../../pods/pod-names.ts';
import type { Collect, World } from '../collector.ts';
import { CounterSet } from './counter-set.ts';
import { coreDumps } from './families.ts';
import type { JournalFeed, JournalRecord } from './journal-feed.ts';
import { KernelLines } from './kernel-lines.ts';
import { kernelRules } from './kernel-rules.ts';
import type { KernelOptions } from './options.ts';
import { ReadOnlyMounts } from './readonly-mounts.ts';
import { Remembered } from './remembered.ts';
import type { LogState } from './state.ts';
import { systemdUnitLabel } from './unit-name.ts';

const COREDUMP = 'fc2e22bc6ee647b6b90729ab34a250b1';
const FIELDS = [
  ...['MESSAGE', 'MESSAGE_ID', 'PRIORITY', '_TRANSPORT', 'SYSLOG_IDENTIFIER', '_PID'],
  ...['COREDUMP_EXE', 'COREDUMP_SIGNAL_NAME', 'COREDUMP_UNIT'],
];
const MAX_CORE_DUMPS = 100;
const STEP = 32;

/** The read position in /dev/kmsg. */
interface KmsgPosition {
  bootId: string;
  sequence: number;
}

interface KernelWorld {
  readonly world: World;
  readonly feed: JournalFeed;
  readonly state: LogState;
  readonly bootId: () => string | undefined;
  readonly pods?: PodNames | undefined;
  /** Opens /dev/kmsg. */
  readonly openKmsg?: () => OpenKmsg;
}

/** The collector `kernel`; registers with the journal feed unless it only reads /dev/kmsg. */
export function collectKernel(
  options: KernelOptions,
  { world, feed, state, bootId, pods, openKmsg }: KernelWorld,
): Collect {
  const lines = new KernelLines(kernelRules(options.rules), pods);
  const mounts = new ReadOnlyMounts();
  const dumps = new CounterSet(coreDumps, MAX_CORE_DUMPS);
  let position: KmsgPosition | undefined;
  let kmsg: OpenKmsg | undefined;
  /** The source of messages, once selected. */
  let source = options.source === 'auto' ? undefined : options.source;

  const remembered = new Remembered(
    state,
    'kernel counts',
    { ...lines.counters, dumps, transitions: mounts.counters },
    {
      dump: () => ({ position, mounts: mounts.dump(), holding: lines.dump() }),
      restore: (saved) => {
        const before = saved as { position?: KmsgPosition; mounts?: unknown; holding?: unknown };
        position = before.position;
        mounts.restore(before.mounts);
        lines.restore(before.holding);
        return [];
      },
    },
  );

  const consume = (entry: JournalRecord): void => {
    if (source === 'kmsg') return;
    const atMs = entry.realtime / 1000;
    if (entry.get('_TRANSPORT') === 'kernel') {
      lines.take(Number(entry.get('PRIORITY') ?? 6), entry.get('MESSAGE') ?? '', atMs);
    } else if (entry.get('_PID') === '1' && entry.get('SYSLOG_IDENTIFIER') === 'systemd') {
      lines.takeOfSystemd(entry.get('MESSAGE') ?? '', atMs);
    }
    if (entry.get('MESSAGE_ID') === COREDUMP) {
      const unit = systemdUnitLabel(entry.get('COREDUMP_UNIT') ?? '', new Set());
      dumps.add(1, entry.get('COREDUMP_EXE') ?? '', entry.get('COREDUMP_SIGNAL_NAME') ?? '', unit);
    }
  };
  if (options.source !== 'kmsg') feed.subscribe(FIELDS, { prepare: () => remembered.prepare(), consume });

  const readKmsg = async (signal: AbortSignal): Promise<void> => {
    const now = { bootId: bootId() ?? '', uptimeUs: uptimeSeconds(world.host) * 1e6 };
    if (kmsg === undefined) {
      kmsg = (openKmsg ?? (() => new KernelMessages()))();
      state.onClose(() => kmsg?.close());
    }
    const isNewBoot = position !== undefined && position.bootId !== now.bootId;
    const isFirst = position === undefined;
    let last = isNewBoot || position === undefined ? undefined : position.sequence;
    const oldest = isFirst && options.start === 'now' ? Infinity : isFirst ? now.uptimeUs - options.maxAge * 1000 : 0;
    const turns = new Turns(signal);
    let read = 0;
    for (let record = kmsg.next(); record !== undefined; record = kmsg.next()) {
      const { sequence, monotonic } = record;
      if (last === undefined || sequence > last) {
        if (last !== undefined && sequence > last + 1) lines.counters.lost.add(sequence - last - 1);
        last = sequence;
        position = { bootId: now.bootId, sequence };
        const atMs = world.now() - (now.uptimeUs - monotonic) / 1000;
        // User space may write there too; only messages with the kernel facility are the kernel's.
        if (monotonic >= oldest) lines.take(record.priority, record.text, atMs);
      }
      if (++read % STEP === 0 && turns.isOver) await turns.next();
      if (read >= options.budget) break;
    }
    position ??= { bootId: now.bootId, sequence: -1 };
  };

  const readMessages = async (signal: AbortSignal): Promise<string | undefined> => {
    if (source !== 'kmsg') {
      const missing = await feed.pump(signal).then(
        () => undefined,
        (cause: unknown) => {
          if (signal.aborted) throw cause;
          return asError(cause);
        },
      );
      if (missing === undefined) {
        source = 'journal';
        return undefined;
      }
      if (source === 'journal') {
        if (options.source === 'journal' && !(missing instanceof NoData)) throw missing;
        return missing.message;
      }
    }
    try {
      await readKmsg(signal);
      source = 'kmsg';
      return undefined;
    } catch (cause) {
      const code = errorCode(cause);
      if (code === 'EPERM' || code === 'EACCES') {
        return 'no kernel messages: /dev/kmsg needs CAP_SYSLOG and access to the device, and there is no readable journal; mount /var/log/journal and add its group';
      }
      if (code === 'ENOENT') return 'no kernel messages: neither a journal nor /dev/kmsg is available';
      throw cause;
    }
  };

  return async (out, signal) => {
    await remembered.prepare();
    const missing = await readMessages(signal);
    const table = out.attempt('mounts', () => readMounts(world.host));
    if (table !== undefined) mounts.update(table);
    if (lines.problem !== undefined) out.lose('rules', lines.problem);
    lines.problem = undefined;
    // Zeros for unavailable data would suggest that all is well.
    await remembered.emit(out, missing === undefined ? undefined : ['transitions']);
    if (missing === undefined) lines.emitGauges(out, world.now(), mounts.hasFallen);
    if (missing !== undefined) throw new NoData(missing);
  };
}
