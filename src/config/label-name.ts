import * as z from 'zod';

/** The name of a label that the configuration adds. */
export const labelNameOf = () =>
  z
    .string()
    .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'label names have letters, digits and underscores only')
    .refine((name) => !name.startsWith('__'), 'label names that begin with __ are reserved');
