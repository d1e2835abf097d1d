import { terminalText } from '../base/terminal-text.ts';
import { lossText } from '../http/page/delivery-problems.js';
import { ago, bytes, count, counted, span, took } from '../http/page/format.js';
import { historyOf } from '../http/page/history-lines.js';
import { collectorState, exporterState, taskState } from '../http/page/levels.js';
import type { ExporterView, StatusView } from '../http/status-view.ts';
import type { Io } from './command.ts';

type Level = 'ok' | 'off' | 'warn' | 'bad';

/** A problem and its severity. */
interface Health {
  readonly level: Level;
  readonly sentence: string;
  readonly problems: readonly {
    readonly level: Level;
    readonly what: string;
    readonly why: string;
    readonly todo: string;
    readonly runbook: string;
    readonly nextTryMs?: number;
  }[];
}

const MARKS = { ok: '✓', off: '–', warn: '!', bad: '✕' } as const;
/** Colours of the terminal's own palette. */
const COLOURS = { ok: 32, off: 90, warn: 33, bad: 31 } as const;
const TERM_WIDTH = 17;

/** A status as text, at most `columns` wide except for longer words. */
export function statusText(status: StatusView, health: Health, io: Pick<Io, 'columns' | 'colours'>): string {
  const paint = (level: Level, text: string) => (io.colours ? `\x1b[${COLOURS[level]}m${text}\x1b[0m` : text);
  const lines = [paint(health.level, `${MARKS[health.level]} ${terminalText(health.sentence)}`), ''];
  for (const { level, what, why, todo, runbook, nextTryMs } of health.problems) {
    const next = nextTryMs === undefined ? '' : ` Next try in ${span((nextTryMs - status.nowMs) / 1000)}.`;
    lines.push(paint(level, `${MARKS[level]} ${terminalText(what)}`));
    for (const text of [why, `${todo}${next}`]) lines.push(...wrapped(text, io.columns, '    '));
    lines.push(`    ${runbook}`, '');
  }
  for (const [term, text] of factsOf(status)) {
    const [first = '', ...more] = wrapped(text, io.columns, ' '.repeat(TERM_WIDTH));
    lines.push(`${term.padEnd(TERM_WIDTH)}${first.trimStart()}`, ...more);
  }
  return `${lines.join('\n')}\n`;
}

function factsOf(status: StatusView): readonly (readonly [term: string, text: string])[] {
  const { agent, cycle, exporters, budgets, election, tasks = [], scrape, history, nowMs } = status;
  const series = budgets.reduce((sum, budget) => sum + budget.series, 0);
  const leftOut = budgets.flatMap(({ dropped }) => dropped);
  const cluster = agent.cluster === undefined ? '' : `, cluster ${agent.cluster}`;
  const up = span((nowMs - agent.startedMs) / 1000);
  const last = cycle.lastMs === undefined ? 'none yet' : ago((nowMs - cycle.lastMs) / 1000);
  const duration = cycle.durationSeconds === undefined ? '' : `, took ${took(cycle.durationSeconds)}`;
  return [
    [
      'Agent',
      `${agent.node}${cluster}, Firesteel ${agent.version}, Node.js ${agent.runtime.replace(/^v/, '')}, up for ${up}`,
    ],
    ['Collectors', words(status.collectors.map((collector) => collectorState(collector).word))],
    ...exporters.map((exporter) => ['Receiver', receiverText(exporter, status)] as const),
    ['Series', `${count(series)}${leftOut.length === 0 ? '' : `; left out: ${namesOf(leftOut)}`}`],
    [
      'Last cycle',
      `${last}${duration}, every ${span(cycle.intervalSeconds)}, ${counted(cycle.skipped, 'skipped', 'skipped')}`,
    ],
    ...(election ? [['Leader', leaderText(election)] as const] : []),
    ...(tasks.length > 0 ? [['Tasks', words(tasks.map((task) => taskState(task).word))] as const] : []),
    ...(scrape ? [['Targets', `${scrape.up} up, ${scrape.down} down, ${scrape.waiting} waiting`] as const] : []),
    ...historyOf(history).map(({ term, text, note }) => [term, `${text} (${note})`] as const),
  ].map(([term, text]) => [term ?? '', terminalText(text ?? '')] as const);
}

function receiverText(exporter: ExporterView, status: StatusView): string {
  const { name, url, memory, spool, dropped } = exporter;
  const waiting = memory.bodies + (spool?.bodies ?? 0);
  const size = bytes(memory.bytes + (spool?.bytes ?? 0));
  const lost = Object.entries(dropped).filter(([, samples]) => samples > 0);
  return [
    `${name} ${exporterState(exporter, status).word}, ${url}`,
    waiting === 0 ? 'nothing waits' : `${counted(waiting, 'batch', 'batches')} (${size}) waiting`,
    `dropped: ${lost.length === 0 ? '0' : lost.map(([reason, samples]) => `${count(samples)} ${reason.replaceAll('_', ' ')}`).join(', ')}`,
    lossText(exporter),
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function leaderText({ master, holder, lease, failure }: NonNullable<StatusView['election']>): string {
  const leader = master ? 'this agent' : holder === '' ? `${lease} has no holder` : holder;
  return failure === undefined ? leader : `${leader}; ${failure}`;
}

const namesOf = (families: readonly { readonly family: string; readonly series: number }[]): string =>
  families.map(({ family, series }) => `${family} (${count(series)})`).join(', ');

/** `26 ok, 1 partial`, most first. */
function words(all: readonly string[]): string {
  const groups = [...Map.groupBy(all, (word) => word)].sort(([, one], [, other]) => other.length - one.length);
  return groups.length === 0 ? 'none' : groups.map(([word, { length }]) => `${length} ${word}`).join(', ');
}

/** Words in lines of `columns`, each after `indent`; none for an empty text. */
function wrapped(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of terminalText(text).split(' ')) {
    if (word === '') continue;
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, indent + line];
}
