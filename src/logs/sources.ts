import type { LogsSection } from '../config/logs-section.ts';
import type { LogSourceName } from './entry.ts';
import type { LogSourceType } from './source.ts';
import type { LogWorld } from './world.ts';

/** A kind of source as data; its code is loaded when it is enabled. */
interface LogSourceKind {
  readonly name: LogSourceName;
  isWanted(logs: LogsSection, byRule: readonly unknown[]): boolean;
  load(world: LogWorld): Promise<LogSourceType>;
}

/** All kinds of sources. A new one takes one file and one line here. */
const KINDS: readonly LogSourceKind[] = [
  {
    name: 'journal',
    isWanted: ({ journal }) => journal.enabled,
    load: async (world) => (await import('./journal/journal-source.ts')).journalSource(world),
  },
  {
    name: 'kernel',
    isWanted: ({ kernel }) => kernel.enabled,
    load: async (world) => (await import('./kernel/kernel-source.ts')).kernelSource(world),
  },
  {
    name: 'file',
    isWanted: ({ files }, byRule) => files.length + byRule.length > 0,
    load: async (world) => (await import('./files/file-source.ts')).fileSource(world),
  },
  {
    name: 'event',
    isWanted: ({ events }) => events.enabled,
    load: async (world) => (await import('./event/event-source.ts')).eventSource(world),
  },
  {
    name: 'snmp',
    isWanted: ({ snmp }) => snmp.enabled,
    load: async (world) => (await import('./snmp/snmp-source.ts')).snmpSource(world),
  },
];

/** The kinds of sources that the configuration enables. `shippedByRule`: of {@link LogWorld}. */
export const wantedSources = (
  logs: LogsSection,
  shippedByRule: LogWorld['shippedByRule'] = [],
): readonly LogSourceKind[] => KINDS.filter(({ isWanted }) => isWanted(logs, shippedByRule));
