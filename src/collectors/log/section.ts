import * as z from 'zod';
import { entriesOf } from '../../base/records.ts';
import type { Family } from '../../metrics/family.ts';
import { journalFamilies, kernelFamilies, logFileFamilies, snmpFamilies } from './families.ts';
import { journalOptions, kernelOptions, type LogRule, logOptions } from './options.ts';
import { snmpOptions } from './snmp/options.ts';

const switchedOff = z.boolean().default(false).describe('Whether this collector runs.');

/** The section `collectors.journal` of the configuration. */
export const journalSection = z
  .strictObject({ enabled: switchedOff, ...journalOptions.shape })
  .superRefine(({ rules }, context) => {
    const names = rules.map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      context.addIssue({ code: 'custom', path: ['rules', index, 'name'], message: `duplicate rule ${name}` });
    }
  })
  .prefault({});

/** The section `collectors.kernel` of the configuration. */
export const kernelSection = z.strictObject({ enabled: switchedOff, ...kernelOptions.shape }).prefault({});

/** The section `collectors.log` of the configuration. */
export const logSection = z
  .strictObject({ enabled: switchedOff, ...logOptions.shape })
  .superRefine(({ files, containers }, context) => {
    const known = new Map<string, string>();
    const all = [
      ...files.map(({ rules }, index) => ({ rules, path: ['files', index], kind: 'files' })),
      { rules: containers.rules, path: ['containers'], kind: 'containers' },
    ];
    for (const { rules, path, kind } of all) {
      for (const [place, rule] of rules.entries()) {
        const refuse = (message: string) =>
          context.addIssue({ code: 'custom', path: [...path, 'rules', place, 'metric'], message });
        const shape = `${kind} ${shapeOf(rule)}`;
        const first = known.get(rule.metric) ?? shape;
        if (TAKEN.has(rule.metric)) refuse(`${rule.metric} is a metric of this agent; choose another name`);
        else if (first !== shape) {
          refuse(`another rule defines ${rule.metric} with a different type, labels or buckets`);
        }
        known.set(rule.metric, first);
      }
    }
    const names = files.map(({ paths }) => paths.join(','));
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      context.addIssue({
        code: 'custom',
        path: ['files', index, 'paths'],
        message: 'duplicate entry for these files',
      });
    }
  })
  .prefault({});

/** The section `collectors.snmp` of the configuration. */
export const snmpSection = z
  .strictObject({ enabled: switchedOff, ...snmpOptions.shape })
  .refine(({ enabled, communityFiles, users }) => !enabled || communityFiles.length + users.length > 0, {
    error: 'needs communityFiles or users: traps of unknown senders are refused',
  })
  .prefault({});

const TAKEN: ReadonlySet<string> = new Set(
  [...journalFamilies, ...kernelFamilies, ...logFileFamilies, ...snmpFamilies].map(({ name }) => name),
);

/** The properties that rules of the same metric must share. */
const shapeOf = ({ type, labels, buckets }: LogRule): string =>
  JSON.stringify([type, labels, type === 'histogram' ? buckets : []]);

/** The sections whose collectors are in the group `log`. */
export interface LogSections {
  readonly journal: z.output<typeof journalSection>;
  readonly kernel: z.output<typeof kernelSection>;
  readonly log: z.output<typeof logSection>;
  readonly snmp: z.output<typeof snmpSection>;
}

/** The collectors of the group as data, for lists and docs. */
export const LOG_COLLECTORS = {
  journal: { families: journalFamilies, options: journalOptions },
  kernel: { families: kernelFamilies, options: kernelOptions },
  log: { families: logFileFamilies, options: logOptions },
  snmp: { families: snmpFamilies, options: snmpOptions },
} as const satisfies Readonly<Record<keyof LogSections, { families: readonly Family[]; options: z.ZodObject }>>;

/** The families of the enabled collectors. */
export const logFamilies = (sections: LogSections): readonly Family[] =>
  entriesOf(LOG_COLLECTORS).flatMap(([name, { families }]) => (sections[name].enabled ? families : []));

/** Whether any of them is enabled; otherwise no code of the group is loaded. */
export const wantsLog = (sections: LogSections): boolean =>
  entriesOf(LOG_COLLECTORS).some(([name]) => sections[name].enabled);
