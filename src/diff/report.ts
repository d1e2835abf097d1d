import type { Differences, ValueGap } from './compare.ts';
import type { Known, Replaced } from './known.ts';

/** The differences, split into explained and unexplained ones. */
interface Judged {
  readonly differences: Differences;
  readonly explained: readonly { readonly what: string; readonly reason: string }[];
}

/** Takes out the known, intended differences. */
export function judge(differences: Differences, known: readonly Known[]): Judged {
  const explained: { what: string; reason: string }[] = [];
  const unexplained = <T>(things: readonly T[], seriesOf: (thing: T) => string): T[] =>
    things.filter((thing) => {
      const what = seriesOf(thing);
      const reason = known.find(({ series }) => series.test(what))?.reason;
      if (reason !== undefined) explained.push({ what, reason });
      return reason === undefined;
    });
  return {
    differences: {
      compared: differences.compared,
      namesOnlyTheirs: unexplained(differences.namesOnlyTheirs, ({ name }) => `${name}{}`),
      namesOnlyOurs: unexplained(differences.namesOnlyOurs, ({ name }) => `${name}{}`),
      seriesOnlyTheirs: unexplained(differences.seriesOnlyTheirs, (series) => series),
      seriesOnlyOurs: unexplained(differences.seriesOnlyOurs, (series) => series),
      values: unexplained(differences.values, ({ series }) => series),
    },
    explained,
  };
}

/** Whether nothing is left to be explained. */
export const isSame = ({ differences: d }: Judged): boolean =>
  [d.namesOnlyTheirs, d.namesOnlyOurs, d.seriesOnlyTheirs, d.seriesOnlyOurs, d.values].every(
    (list) => list.length === 0,
  );

/** How much to print. */
interface ReportOptions {
  readonly replaced: Replaced;
  /** Lines of each list; the rest is counted. */
  readonly lines: number;
  /** Whether to list the explained ones. */
  readonly explained: boolean;
  /** What to do about a series, or a name with `{}` behind it, that only they have. */
  readonly hint: (series: string) => string | undefined;
}

/** The report for people, with a newline at the end. */
export function reportText(judged: Judged, { replaced, lines, explained, hint }: ReportOptions): string {
  const { differences: d } = judged;
  const list = (title: string, entries: readonly string[]) => {
    if (entries.length === 0) return [];
    const rest = entries.length - lines;
    const shown = entries.slice(0, lines).map((entry) => `  ${entry}`);
    return [`${title}: ${entries.length}`, ...shown, ...(rest > 0 ? [`  … and ${rest} more; --all lists them`] : [])];
  };
  const named = ({ name, series }: { readonly name: string; readonly series: number }, advice?: string) =>
    `${name} (${series} series)${advice === undefined ? '' : `  ${advice}`}`;
  return [
    `compared ${d.compared} series with ${replaced.program}`,
    ...list(
      `metrics only there`,
      d.namesOnlyTheirs.map((gap) => named(gap, hint(`${gap.name}{}`))),
    ),
    ...list(
      `metrics only here`,
      d.namesOnlyOurs.map((gap) => named(gap)),
    ),
    ...list(
      'series only there',
      d.seriesOnlyTheirs.map((series) => [series, hint(series)].filter(Boolean).join('  ')),
    ),
    ...list(`series only here`, d.seriesOnlyOurs),
    ...list(`different values`, d.values.map(valueLine)),
    ...list(`explained differences`, explained ? judged.explained.map(({ what, reason }) => `${what}  ${reason}`) : []),
    ...(explained || judged.explained.length === 0
      ? []
      : [`${judged.explained.length} more differences are right as they are; --explained lists them with the reasons`]),
    isSame(judged) ? 'no unexplained difference' : 'they differ',
    '',
  ].join('\n');
}

const valueLine = ({ series, ours, theirs }: ValueGap): string =>
  `${series}  here ${ours.join(', then ')}; there ${theirs.slice(0, 2).join('…')}, then ${theirs.slice(2).join('…')}`;
