import * as z from 'zod';
import { Pattern } from './re2/pattern.ts';
import { CompiledRule } from './relabel-schema.ts';
import { unitTexts } from './units.ts';

/**
 * The configuration for display: header values are hidden, because they may contain tokens; regular expressions and
 * rules are shown as written. Passwords and tokens are only referenced as files.
 */
export function printable(value: unknown, path: readonly string[] = []): unknown {
  if (value instanceof Pattern) return value.source;
  if (value instanceof CompiledRule) return printable(value.written);
  if (Array.isArray(value)) return value.map((item) => printable(item, path));
  if (typeof value !== 'object' || value === null) {
    const isHeader = path[0] === 'exporters' && path[2] === 'headers' && path.length === 4;
    return isHeader ? '<hidden>' : value;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, printable(item, [...path, key])]));
}

/** The {@link printable} configuration with durations and sizes in their textual form, so that it can be read again. */
export function asWritten(value: unknown, schema: z.ZodType): unknown {
  return withUnits(printable(value), [schema]);
}

/** `schemas` are the possible schemas of the value: a value of a union is looked up in all of its variants. */
function withUnits(value: unknown, schemas: readonly z.core.$ZodType[]): unknown {
  const all = schemas.flatMap(unwrapped);
  if (typeof value === 'number')
    return (
      all
        .map((one) => unitTexts.get(one))
        .find(Boolean)
        ?.text(value) ?? value
    );
  if (Array.isArray(value)) {
    const elements = all.flatMap((one) => (one instanceof z.ZodArray ? [one.element] : []));
    return value.map((item) => withUnits(item, elements));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withUnits(item, all.flatMap(below(key)))]);
  return Object.fromEntries(entries);
}

const below =
  (key: string) =>
  (schema: z.core.$ZodType): readonly z.core.$ZodType[] => {
    if (schema instanceof z.ZodRecord) return [schema.valueType];
    const field = schema instanceof z.ZodObject ? schema.shape[key] : undefined;
    return field === undefined ? [] : [field];
  };

/** The unwrapped schema, and the variants of a union. */
function unwrapped(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (unitTexts.get(schema) !== undefined) return [schema];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrapped);
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    return unwrapped(schema.def.innerType);
  return [schema];
}
