// The capabilities of this process: capabilities(7), from /proc/self/status.

import { readFileSync } from 'node:fs';
import { entriesOf } from '../base/records.ts';

/**
 * The capabilities for reading more of the host or for changing a child's user, and their bits in linux/capability.h.
 */
const BITS = { DAC_READ_SEARCH: 2n, SETGID: 6n, SETUID: 7n, SYS_PTRACE: 19n } as const;

/** One of them, with its name in Kubernetes. */
export type Capability = keyof typeof BITS;

/** The {@link BITS} set in the line `CapEff` of a status file; all of them if the line is absent. */
export function capabilitiesIn(status: string): ReadonlySet<Capability> {
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? 'ffffffffffffffff'}`);
  return new Set(entriesOf(BITS).flatMap(([name, bit]) => ((held >> bit) & 1n ? [name] : [])));
}

let own: ReadonlySet<Capability> | undefined;

/** The capabilities of this process; they do not change while it runs. */
export function ownCapabilities(): ReadonlySet<Capability> {
  own ??= capabilitiesIn(statusOfSelf());
  return own;
}

/** Whether this process has both capabilities for reading files and processes of other users. */
export function holdsAllCapabilities(held: ReadonlySet<Capability> = ownCapabilities()): boolean {
  return held.has('DAC_READ_SEARCH') && held.has('SYS_PTRACE');
}

function statusOfSelf(): string {
  try {
    return readFileSync('/proc/self/status', 'latin1');
  } catch {
    return '';
  }
}
