import type { Differences, ValueGap } from './compare.ts';
import type { Replaced } from './known.ts';
import type { ReasonOf } from './reasons.ts';

/** An expected difference: a series, or a metric's name followed by `{}`, and the reason. */
interface ExplainedDifference {
  readonly what: string;
  readonly reason: string;
}

/** The differences, split into explained and unexplained ones. */
export interface Judged {
  readonly differences: Differences;
  readonly explained: readonly ExplainedDifference[];
}

/** Separates the explained differences. */
export function judge(differences: Differences, reasonOf: ReasonOf): Judged {
  const explained: ExplainedDifference[] = [];
  const unexplained = <T>(things: readonly T[], side: Parameters<ReasonOf>[1], seriesOf: (thing: T) => string): T[] =>
    things.filter((thing) => {
      const what = seriesOf(thing);
      const reason = reasonOf(what, side);
      if (reason !== undefined) explained.push({ what, reason });
      return reason === undefined;
    });
  return {
    differences: {
      compared: differences.compared,
      namesOnlyTheirs: unexplained(differences.namesOnlyTheirs, 'theirs', ({ name }) => `${name}{}`),
      namesOnlyOurs: unexplained(differences.namesOnlyOurs, 'ours', ({ name }) => `${name}{}`),
      seriesOnlyTheirs: unexplained(differences.seriesOnlyTheirs, 'theirs', (series) => series),
      seriesOnlyOurs: unexplained(differences.seriesOnlyOurs, 'ours', (series) => series),
      values: unexplained(differences.values, 'value', ({ series }) => series),
    },
    explained,
  };
}

/** Whether there is no unexplained difference. */
export const isSame = ({ differences: d }: Judged): boolean =>
  [d.namesOnlyTheirs, d.namesOnlyOurs, d.seriesOnlyTheirs, d.seriesOnlyOurs, d.values].every(
    (list) => list.length === 0,
  );

/** Level of detail. */
interface ReportOptions {
  readonly replaced: Replaced;
  /** Maximum lines of each list of differences, 0 for a summary; the rest is counted. */
  readonly lines: number;
  /** Whether to list the explained ones. */
  readonly explained: boolean;
}

/** The report as text, with a newline at the end: a summary, and the requested details. */
export function reportText(judged: Judged, { replaced, lines, explained }: ReportOptions): string {
  const { differences: d } = judged;
  const list = (title: string, entries: readonly string[]) => {
    if (entries.length === 0) return [];
    const rest = entries.length - lines;
    const shown = entries.slice(0, lines).map((entry) => `  ${entry}`);
    return [
      `${title}: ${entries.length}`,
      ...shown,
      ...(rest > 0 && lines > 0 ? [`  … and ${rest} more; --all lists them`] : []),
    ];
  };
  const named = ({ name, series }: { readonly name: string; readonly series: number }) => `${name} (${series} series)`;
  const same = isSame(judged);
  return [
    `compared ${d.compared} series with ${replaced.program}: ${same ? 'no unexplained difference' : 'they differ'}`,
    ...list(`metrics only in ${replaced.program}`, d.namesOnlyTheirs.map(named)),
    ...list('metrics only in Firesteel', d.namesOnlyOurs.map(named)),
    ...list(`series only in ${replaced.program}`, d.seriesOnlyTheirs),
    ...list('series only in Firesteel', d.seriesOnlyOurs),
    ...list(
      'different values',
      d.values.map((gap) => valueLine(gap, replaced)),
    ),
    ...(same || lines > 0 ? [] : ['--details lists them']),
    ...byReason(judged.explained, explained),
    '',
  ].join('\n');
}

/** The explained ones: one line per reason with their number, or with each of them. */
function byReason(all: readonly ExplainedDifference[], each: boolean): string[] {
  if (all.length === 0) return [];
  const lines = [...Map.groupBy(all, ({ reason }) => reason)].flatMap(([reason, found]) => [
    `  ${found.length}  ${reason}`,
    ...(each ? found.map(({ what }) => `       ${what}`) : []),
  ]);
  return [`${all.length} differences are expected${each ? '' : '; --explained lists them'}:`, ...lines];
}

/** The report as one line of JSON. Numbers without a JSON form are strings. */
export function reportJson(judged: Judged, { program }: Replaced): string {
  const { compared, ...differences } = judged.differences;
  const report = { program, same: isSame(judged), compared, differences, explained: judged.explained };
  return `${JSON.stringify(report, (_, value: unknown) => (Number.isFinite(value) || typeof value !== 'number' ? value : String(value)))}\n`;
}

const valueLine = ({ series, ours, theirs }: ValueGap, { program }: Replaced): string => {
  const first = `${series}  Firesteel ${ours.join(', then ')}; ${program}`;
  if (theirs.length === 1) return `${first} ${theirs[0]} between them`;
  return `${first} ${theirs.slice(0, 2).join('…')}, then ${theirs.slice(2).join('…')}`;
};
