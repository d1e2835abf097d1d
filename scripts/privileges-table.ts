import { KNOWN_LOSSES, type KnownLoss } from '../src/collectors/known-losses.ts';

const BEGIN = '<!-- what is not seen: made by npm run generate -->';
const END = '<!-- end -->';

/** The text of docs/security.md with the table of {@link KNOWN_LOSSES} between its marks. Throws if the marks are missing. */
export function withPrivilegesTable(text: string): string {
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before === -1 || after < before) throw new Error(`docs/security.md lacks ${BEGIN} or ${END}`);
  const head = ['what', 'reads', 'needs', 'restricted', 'extended', 'reported by'];
  const rows = [head, head.map(() => '---'), ...KNOWN_LOSSES.map(cellsOf)];
  const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `${text.slice(0, before)}${BEGIN}\n\n${table}\n\n${text.slice(after)}`;
}

function cellsOf({ collector, what, reads, needs, isOptional }: KnownLoss): string[] {
  const settings = needs.filter((right) => right.includes('.') || right.includes('host'));
  // The extended tier reads any file.
  const inExtended = settings.includes('node.logGroups') ? yes : withSetting;
  const seen = settings.length === 0 ? [no, yes] : [withSetting, inExtended];
  return [
    isOptional ? `${what} (off)` : what,
    list(reads),
    list(needs),
    ...seen.map((cell) => cell(settings[0] ?? '')),
    `\`${collector}\``,
  ];
}

const no = () => 'no';
const yes = () => 'yes';
const withSetting = (setting: string) => `with \`${setting}\``;
const list = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ');
