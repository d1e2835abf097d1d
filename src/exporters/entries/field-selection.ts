import * as z from 'zod';
import { listOf } from '../../config/list-of.ts';
import type { FieldSelection } from './named-values.ts';

/** The setting that selects the fields of an entry to send. */
export const fieldsSetting = z
  .union([z.literal('all'), listOf(z.string().max(256)).max(1000)])
  .default('all')
  .transform((choice): FieldSelection => choice)
  .describe('Fields of entries to send in addition to time, message, level and labels: `all`, or a list of names.');
