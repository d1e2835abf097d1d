// Settings as the rows of a table, from the JSON schema that zod generates for them.

/** The part of JSON Schema that zod generates for the configuration. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

/** Sections with separate pages. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'collectors.node': 'metrics/node.md',
  'collectors.container': 'metrics/container.md',
  'collectors.process': 'metrics/process.md',
  'collectors.ksm': 'metrics/kube-state.md',
};

/** The settings of one section as rows: path, default, description. */
export const settingRows = (section: object): string[][] =>
  Object.entries((section as Schema).properties ?? {}).flatMap(([name, schema]) => rowsOf(name, schema, 0));

/** A setting as a row, or as several rows if it is a section. */
export function rowsOf(path: string, schema: Schema, depth: number): string[][] {
  const page = ELSEWHERE[path];
  if (page !== undefined) return [[`\`${path}\``, '', `[${page}](${page})`]];
  const variants = variantsOf(schema) ?? (isSection(schema) ? only(schema) : undefined);
  if (variants && depth < 4) return [...introRows(path, schema), ...fieldRows(path, variants, depth)];
  const value = schema.default;
  const shown = value === undefined ? '' : `\`${JSON.stringify(value)}\``;
  return [[`\`${path}\``, shown, [choicesOf(schema), schema.description].filter(Boolean).join(' ')]];
}

/** Variants of a section by name. */
type Variants = ReadonlyMap<string, Schema>;

/** A section without variants as its only one. */
export const only = (section: Schema): Variants => new Map([['', section]]);

const isSection = ({ properties = {} }: Schema): boolean => Object.keys(properties).length > 0;

/** The rows of a section's fields. A field that only some variants have, or that differs between them, names these. */
export function fieldRows(path: string, variants: Variants, depth: number, all: number = variants.size): string[][] {
  const keys = new Set([...variants.values()].flatMap(({ properties = {} }) => Object.keys(properties)));
  return [...keys].flatMap((key) => {
    const at = `${path}.${key}`;
    const having = new Map<string, Schema>();
    for (const [name, { properties }] of variants) {
      const schema = properties?.[key];
      if (schema !== undefined) having.set(name, schema);
    }
    const schemas = [...having.values()];
    if (schemas.every(({ const: constant }) => constant !== undefined)) return [choiceRow(at, schemas)];
    if (schemas.every(isSection) && all > 1) {
      const byText = rowsByVariant(
        having,
        all,
        ({ description }) => description ?? '',
        (schema) => introRows(at, schema),
      );
      return [...byText, ...fieldRows(at, having, depth + 1, all)];
    }
    return rowsByVariant(
      having,
      all,
      (schema) => JSON.stringify(schema),
      (schema) => rowsOf(at, schema, depth + 1),
    );
  });
}

/** The text about a whole section; none for one without. */
const introRows = (path: string, { description }: Schema): string[][] =>
  description === undefined ? [] : [[`\`${path}\``, '', description]];

/** The rows of schemas that are equal by `key`, with the names of the variants that have them unless `all` have. */
function rowsByVariant(
  having: Variants,
  all: number,
  key: (schema: Schema) => string,
  rowsFor: (schema: Schema) => string[][],
): string[][] {
  const alike = Map.groupBy(having, ([, schema]) => key(schema));
  return [...alike.values()].flatMap((same) => {
    const rows = same.slice(0, 1).flatMap(([, schema]) => rowsFor(schema));
    if (same.length === all) return rows;
    const names = same.map(([name]) => name).join(', ');
    return rows.map(([setting = '', value = '', what = '']) => [setting, value, `*${names}:* ${what}`.trim()]);
  });
}

/** The field that identifies a variant. */
function choiceRow(path: string, all: readonly Schema[]): string[] {
  const choices = all.map(({ const: value, description }) =>
    description === undefined ? `\`${value}\`` : `\`${value}\`: ${description}`,
  );
  return [`\`${path}\``, '', `${choices.join('; ')}.`];
}

/**
 * The variants of a union of sections by the constant that identifies them; undefined for everything else. Throws for
 * a union of sections without one: its settings would be missing from the page.
 */
export function variantsOf(schema: Schema): Variants | undefined {
  const options = schema.oneOf ?? schema.anyOf;
  if (!options?.some(isSection)) return undefined;
  const constant = Object.keys(options[0]?.properties ?? {}).find((key) =>
    options.every(({ properties }) => properties?.[key]?.const !== undefined),
  );
  if (constant === undefined) throw new Error('a union of sections without a constant that identifies them');
  return new Map(options.map((option) => [String(option.properties?.[constant]?.const), option]));
}

function choicesOf(schema: Schema): string {
  const choices = schema.enum ?? schema.items?.enum;
  return choices && choices.length <= 8 ? `${choices.map((choice) => `\`${choice}\``).join(', ')}.` : '';
}
