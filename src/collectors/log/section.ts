import * as z from 'zod';
import type { Family } from '../../metrics/family.ts';
import { journalFamilies, kernelFamilies } from './families.ts';
import { journalOptions, kernelOptions } from './options.ts';

const switchedOff = z.boolean().default(false).describe('Whether this collector runs.');

/** The section `collectors.journal` of the configuration. */
export const journalSection = z
  .strictObject({ enabled: switchedOff, ...journalOptions.shape })
  .superRefine(({ rules }, context) => {
    const names = rules.map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      context.addIssue({ code: 'custom', path: ['rules', index, 'name'], message: `there is another rule ${name}` });
    }
  })
  .prefault({});

/** The section `collectors.kernel` of the configuration. */
export const kernelSection = z.strictObject({ enabled: switchedOff, ...kernelOptions.shape }).prefault({});

/** The sections whose collectors are in the group `log`. */
export interface LogSections {
  readonly journal: z.output<typeof journalSection>;
  readonly kernel: z.output<typeof kernelSection>;
}

/** The collectors of the group as data, for lists and docs. */
export const LOG_COLLECTORS = {
  journal: { families: journalFamilies, options: journalOptions },
  kernel: { families: kernelFamilies, options: kernelOptions },
} as const satisfies Readonly<Record<keyof LogSections, { families: readonly Family[]; options: z.ZodObject }>>;

/** The families of the collectors that are switched on. */
export const logFamilies = (sections: LogSections): readonly Family[] =>
  Object.entries(LOG_COLLECTORS).flatMap(([name, { families }]) =>
    sections[name as keyof LogSections].enabled ? families : [],
  );

/** Whether any of them is; else nothing of the group is loaded. */
export const wantsLog = (sections: LogSections): boolean =>
  Object.keys(LOG_COLLECTORS).some((name) => sections[name as keyof LogSections].enabled);
