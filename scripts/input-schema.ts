import * as z from 'zod';

/**
 * The JSON schema of what users write, with the defaults. zod omits the default of a list whose elements are
 * transformed, as it is one of the output; an empty list is the same in both.
 */
export const inputSchema = (schema: z.ZodType, more: Pick<z.core.ToJSONSchemaParams, 'unrepresentable'> = {}): object =>
  z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    ...more,
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      if (def.type !== 'default' || jsonSchema.default !== undefined) return;
      if (Array.isArray(def.defaultValue) && def.defaultValue.length === 0) jsonSchema.default = [];
    },
  });
