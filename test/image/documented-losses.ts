import { readFileSync } from 'node:fs';

/** A row of the table of privileges in docs/security.md. */
export interface DocumentedLoss {
  /** How what the agent tells of it begins: `process.process: io`. */
  readonly unit: string;
  /** The files, as patterns. */
  readonly files: readonly string[];
  /** The tiers that do not see it. */
  readonly lostIn: readonly string[];
}

/** The rows of the table below "## Tiers" whose last column names what the agent tells. Throws when there are none. */
export function documentedLosses(): DocumentedLoss[] {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('\n## Tiers\n')).split(/\n## /)[1] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('| ---'));
  const [head = '', ...body] = rows;
  const cellsOf = (row: string) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const titles = cellsOf(head);
  const losses = body.flatMap((row) => {
    const cells = cellsOf(row);
    const lostIn = titles.filter((_, column) => cells[column] === 'no');
    const files = codes(cells[titles.indexOf('reads')]);
    const told = codes(cells.at(-1)).filter((code) => /^\w+\.\w+/.test(code));
    return told.map((unit) => ({ unit, files, lostIn }));
  });
  if (losses.length === 0) throw new Error('docs/security.md has no table of losses below "## Tiers"');
  return losses;
}

/** What stands between backquotes. */
const codes = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
