import * as z from 'zod';
import { listOf } from '../../config/list-of.ts';

const names = (what: string) => listOf().default([]).describe(`Only events ${what}; all when empty.`);

/** The section `collectors.event` of the configuration. */
export const eventSection = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether state agents count Kubernetes events of the cluster.'),
    namespaces: listOf()
      .default([])
      .describe('Only events in these namespaces; those of collectors.ksm.namespaces when empty.'),
    types: names('of these types (Normal, Warning)'),
    reasons: names('with these reasons'),
    kinds: names('about objects of these kinds'),
    reportingComponent: z
      .boolean()
      .default(false)
      .describe('Add the label reporting_component: the component that reported the event.'),
    maxSeries: z
      .int()
      .min(10)
      .max(100_000)
      .default(5000)
      .describe('Maximum series per family; events beyond it are counted with the reason __other__.'),
  })
  .prefault({});

/** The parsed {@link eventSection}. */
export type EventSection = z.output<typeof eventSection>;
