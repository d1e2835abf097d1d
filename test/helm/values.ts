import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { CHART, overlay, readYaml, type Values } from './chart.ts';

/** The published schema of the chart. */
export const SCHEMA_TEXT = readFileSync(join(CHART, 'values.schema.json'), 'utf8');

const check = new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(JSON.parse(SCHEMA_TEXT));

/** Violations of the chart's schema by values merged over its defaults, each with its path and the name of the key. */
export function schemaErrors(values: Values): string[] {
  if (check(overlay(readYaml('values.yaml'), values))) return [];
  // `if` only reports that a branch failed, which has its own error.
  const errors = (check.errors ?? []).filter(({ keyword }) => keyword !== 'if');
  return errors.map(({ instancePath, message = '', params }) => {
    const { additionalProperty } = params as { additionalProperty?: string };
    return `${instancePath}${additionalProperty === undefined ? '' : `/${additionalProperty}`}: ${message}`;
  });
}
