import * as z from 'zod';
import { containerSection } from './container/index.ts';
import { eventSection } from './event/section.ts';
import { ksmSection } from './ksm/section.ts';
import { journalSection, kernelSection, logSection, snmpSection } from './log/section.ts';
import { nodeSection } from './node/index.ts';
import { processSection } from './process/index.ts';

/**
 * The section `collectors` of the configuration. Not loaded by agents: it knows the resources of kube-state-metrics, which only
 * state agents need.
 */
export const collectorsSection = z
  .strictObject({
    node: nodeSection,
    container: containerSection,
    process: processSection,
    ksm: ksmSection,
    journal: journalSection,
    kernel: kernelSection,
    log: logSection,
    snmp: snmpSection,
    event: eventSection,
  })
  .refine(({ ksm, event }) => ksm.enabled || !event.enabled, {
    path: ['event', 'enabled'],
    error: 'events are counted by state agents: set collectors.ksm.enabled as well',
  })
  .prefault({});

/** Options of all collectors. */
export type CollectorsConfig = z.output<typeof collectorsSection>;
