import { SETTINGS } from '../src/config/settings-table.ts';
import { GENERATED, table } from './metric-reference.ts';

/** The part of JSON Schema that zod makes of the configuration. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
}

/** Sections that have pages of their own. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'collectors.node': 'metrics/node.md',
  'collectors.container': 'metrics/container.md',
  'collectors.process': 'metrics/process.md',
  'collectors.ksm': 'metrics/kube-state.md',
};

/** The page on the configuration, made from its JSON schema. */
export function configurationReference(whole: object): string {
  const schema = whole as Schema;
  const sections = Object.entries(schema.properties ?? {});
  const single = sections.filter(([, section]) => section.properties === undefined && !isMapOfSections(section));
  const settings = SETTINGS.map(({ path, flag, env, help }) => [
    `\`${path.join('.')}\``,
    `\`--${flag}\``,
    env.map((name) => `\`${name}\``).join(' '),
    help,
  ]);
  return [
    '# Configuration',
    GENERATED,
    'A YAML file (`--config FILE` or `FIRESTEEL_CONFIG`), then environment variables, then flags; the later wins. An unknown ' +
      'key is refused with its place and the nearest known one. `firesteel check-config FILE` says what is wrong, ' +
      '`--print` shows the configuration with all defaults. Secrets are only named by their files, which are read again ' +
      'when they change. SIGHUP and `POST /v1/reload` read the configuration again.',
    'Durations are written `15s`, `1m30s` or `250ms`, sizes `64KiB`, `256MiB`. ' +
      '[config.schema.json](config.schema.json) is the schema for editors.',
    '## Environment and flags',
    table(['setting', 'flag', 'environment', 'what'], settings),
    '`--set PATH=VALUE` gives any other setting, its value as YAML.',
    '## Top level',
    table(
      ['key', 'default', 'what'],
      single.flatMap(([name, section]) => rowsOf(name, section, 0)),
    ),
    ...sections.filter((section) => !single.includes(section)).map(([name, section]) => sectionText(name, section)),
    '',
  ].join('\n\n');
}

const isMapOfSections = ({ additionalProperties: element }: Schema): boolean =>
  typeof element === 'object' && element.properties !== undefined;

function sectionText(name: string, section: Schema): string {
  const { additionalProperties: element } = section;
  const content = typeof element === 'object' && element.properties ? element : section;
  const rows = Object.entries(content.properties ?? {}).flatMap(([key, value]) =>
    rowsOf(content === section ? `${name}.${key}` : `${name}.NAME.${key}`, value, 1),
  );
  const intro = section.description === undefined ? [] : [section.description];
  return [`## ${name}`, ...intro, table(['key', 'default', 'what'], rows)].join('\n\n');
}

/** A setting as a row, or the rows of the section that it is. */
function rowsOf(path: string, schema: Schema, depth: number): string[][] {
  const page = ELSEWHERE[path];
  if (page !== undefined) return [[`\`${path}\``, '', `[${page}](${page})`]];
  const inner = Object.entries(schema.properties ?? {});
  if (inner.length > 0 && depth < 4) return inner.flatMap(([key, value]) => rowsOf(`${path}.${key}`, value, depth + 1));
  const value = schema.default;
  const shown = value === undefined ? '' : `\`${JSON.stringify(value)}\``;
  return [[`\`${path}\``, shown, [choicesOf(schema), schema.description].filter(Boolean).join(' ')]];
}

function choicesOf(schema: Schema): string {
  const choices = schema.enum ?? schema.items?.enum;
  return choices && choices.length <= 8 ? `${choices.map((choice) => `\`${choice}\``).join(', ')}.` : '';
}
