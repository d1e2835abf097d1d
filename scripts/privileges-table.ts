import { KNOWN_LOSSES, type KnownLoss, SILENT_LOSSES, type SilentLoss } from '../src/collectors/known-losses.ts';

const BEGIN = '<!-- what is not seen: made by npm run generate -->';
const END = '<!-- end -->';

type Loss = Omit<KnownLoss, 'units'> | SilentLoss;

const LOSSES: readonly Loss[] = [...KNOWN_LOSSES, ...SILENT_LOSSES];

/** Losses of the restricted tier that the extended tier does not have: those for lack of a capability. */
const OF_RESTRICTED = LOSSES.filter((loss) => settingsOf(loss).length === 0);

/** The text of docs/security.md with the table of all losses between its marks. Throws if the marks are missing. */
export function withPrivilegesTable(text: string): string {
  const head = ['what', 'reads', 'needs', 'restricted', 'extended', 'reported by'];
  return between('docs/security.md', text, [head, ...LOSSES.map(cellsOf)]);
}

/** The text of docs/install.md with the table of the losses of the restricted tier. Throws if the marks are missing. */
export function withRestrictedTable(text: string): string {
  const rows = OF_RESTRICTED.map((loss) => [nameOf(loss), list(loss.reads), list(loss.needs)]);
  return between('docs/install.md', text, [['what', 'reads', 'needs'], ...rows]);
}

/** The losses of the restricted tier as the notes of the chart list them. */
export function restrictedLosses(): string {
  return OF_RESTRICTED.map(({ what, isOptional }) => `- ${what}${isOptional ? ', if enabled' : ''}\n`).join('');
}

function between(path: string, text: string, [head = [], ...rows]: readonly (readonly string[])[]): string {
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before === -1 || after < before) throw new Error(`${path} lacks ${BEGIN} or ${END}`);
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `${text.slice(0, before)}${BEGIN}\n\n${table}\n\n${text.slice(after)}`;
}

function cellsOf(loss: Loss): string[] {
  const settings = settingsOf(loss);
  // The extended tier reads any file.
  const inExtended = settings.includes('node.logGroups') ? yes : withSetting;
  const seen = settings.length === 0 ? [no, yes] : [withSetting, inExtended];
  return [
    nameOf(loss),
    list(loss.reads),
    list(loss.needs),
    ...seen.map((cell) => cell(settings[0] ?? '')),
    'instead' in loss ? `nothing; ${loss.instead}` : `\`${loss.collector}\``,
  ];
}

/** The settings that a loss depends on; none if it depends on the tier. */
function settingsOf({ needs }: Loss): readonly string[] {
  return needs.filter((right) => right.includes('.') || right.includes('host'));
}

const nameOf = ({ what, isOptional }: Loss) => (isOptional ? `${what} (off)` : what);
const no = () => 'no';
const yes = () => 'yes';
/** A chart value has a dot in its name. */
const withSetting = (setting: string) => (setting.includes('.') ? `with \`${setting}\`` : 'not offered by the chart');
const list = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ');
