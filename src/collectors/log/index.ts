import { join } from 'node:path';
import { entriesOf } from '../../base/records.ts';
import { bootIdOf } from '../../host/boot-id.ts';
import type { Producer } from '../../metrics/scope.ts';
import type { PodNames } from '../../pods/pod-names.ts';
import { bindCollector, type Collect, type CollectorSpec, NO_OPTIONS, oneByOne, type World } from '../collector.ts';
import type { PodSource } from './container-logs.ts';
import { collectJournal } from './journal.ts';
import { JournalFeed } from './journal-feed.ts';
import { collectKernel } from './kernel.ts';
import { collectLog } from './log.ts';
import { LOG_COLLECTORS, type LogSections } from './section.ts';
import { collectSnmp, type TrapTaker } from './snmp/snmp.ts';
import { LogState } from './state.ts';

/** The name of the state file in the folder of the spool. */
const STATE_FILE = 'log-state';

/** Where the collectors of the group store their state, below the spool folder; undefined without one. */
export const createLogState = (spoolPath: string | undefined): LogState =>
  new LogState(spoolPath === undefined ? undefined : join(spoolPath, STATE_FILE));

/** The enabled producers of the group `log`; they resume from `state`. */
export function logProducers(
  world: World,
  sections: LogSections,
  state: LogState,
  pods?: PodNames & { readonly known: PodSource },
  onTrap?: TrapTaker,
): Producer[] {
  const { journal, kernel, log, snmp } = sections;
  const bootId = () => bootIdOf(world.host);
  const feed = new JournalFeed(journal, { state, now: world.now, bootId });
  const collectors: Readonly<Record<keyof typeof LOG_COLLECTORS, (() => Collect) | false>> = {
    journal: journal.enabled && (() => collectJournal(journal, feed, state)),
    kernel: kernel.enabled && (() => collectKernel(kernel, { world, feed, state, bootId, pods })),
    log: log.enabled && (() => collectLog(log, world, state, pods?.known)),
    snmp: snmp.enabled && (() => collectSnmp(snmp, { now: world.now, state, onTrap })),
  };
  return entriesOf(collectors).flatMap(([name, make]) => {
    if (make === false) return [];
    const collect = oneByOne(make());
    const spec: CollectorSpec = {
      ...{ name, enabled: false, summary: '', options: NO_OPTIONS },
      families: LOG_COLLECTORS[name].families,
      ...(name === 'log' && { whenEmpty: 'no log files are configured' }),
      create: () => collect,
    };
    return [bindCollector('log', spec, world, {})];
  });
}
