import * as z from 'zod';

const names = (what: string) => z.array(z.string().min(1)).default([]).describe(`Only events ${what}; all when empty.`);

/** The section `collectors.event` of the configuration. */
export const eventSection = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether state agents count the events of the cluster.'),
    namespaces: z
      .array(z.string().min(1))
      .default([])
      .describe('Only events in these namespaces; those of collectors.ksm.namespaces when empty.'),
    types: names('of these types (Normal, Warning)'),
    reasons: names('with these reasons'),
    kinds: names('about objects of these kinds'),
    reportingComponent: z.boolean().default(false).describe('Label reporting_component: who has reported the event.'),
    maxSeries: z
      .int()
      .min(10)
      .max(100_000)
      .default(5000)
      .describe('Most series of each family; what would be more is counted with the reason __other__.'),
  })
  .prefault({});

/** What {@link eventSection} gives. */
export type EventSection = z.output<typeof eventSection>;
