import type { Snapshot } from '../../metrics/snapshot.ts';
import { EXTRA } from './families.ts';
import type { Matcher } from './matcher.ts';
import type { Listening } from './ports.ts';

/**
 * Adds whether the expected groups have live processes, in any pod, and listen on their expected ports. A port of a
 * group in `blind` that was not found open may be open nevertheless, and is omitted.
 */
export function addExpected(
  out: Snapshot,
  matchers: readonly Matcher[],
  living: ReadonlySet<string>,
  listening: readonly Listening[],
  blind: ReadonlySet<string>,
): void {
  const expected = new Map<string, Set<number>>();
  for (const { expectedNames, expectedPorts } of matchers) {
    for (const name of expectedNames) {
      const ports = expected.get(name) ?? new Set();
      expected.set(name, ports);
      for (const port of expectedPorts) ports.add(port);
    }
  }
  if (expected.size === 0) return;
  const open = new Set(listening.map(({ owner, port }) => `${port} ${owner.groupName}`));
  for (const [name, ports] of expected) {
    out.add(EXTRA.up, living.has(name) ? 1 : 0, name);
    for (const port of ports) {
      const isOpen = open.has(`${port} ${name}`);
      if (isOpen || !blind.has(name)) out.add(EXTRA.portOpen, isOpen ? 1 : 0, name, 'tcp', String(port));
    }
  }
}
