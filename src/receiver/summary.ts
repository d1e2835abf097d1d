import { terminalText } from '../base/terminal-text.ts';
import { headlines } from './headline.ts';
import { ageText, byteRateText, countText, humanBytes, percentText, shareText } from './human.ts';
import type { PushSource, ReceiverStore } from './store.ts';

/** Rows of a table; the rest is only counted. */
const MAX_ROWS = 20;
const MAX_TROUBLES = 3;

/** The state of `store` as plain text for a terminal `width` columns wide, without colours. */
export function summaryText(store: ReceiverStore, nowMs: number, width: number): string {
  const lines = totalsLines(store, nowMs);
  const targets = [...store.targets].sort(byName);
  if (targets.length === 0) lines.push('', 'Nothing has been pushed yet.');
  else
    lines.push(
      '',
      ...table(
        TARGET_COLUMNS,
        targets.map((target) => targetCells(target, nowMs)),
        width,
      ),
    );
  const nodes = headlines(targets);
  if (nodes.length > 0) lines.push('', ...table(NODE_COLUMNS, nodes.map(nodeCells), width));
  const troubles = store.troubles.slice(-MAX_TROUBLES);
  if (troubles.length > 0) lines.push('', 'Last troubles:');
  for (const { timeMs, message } of troubles) lines.push(...wrap(`${ageText(nowMs - timeMs)} ago: ${message}`, width));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function totalsLines(store: ReceiverStore, nowMs: number): string[] {
  const { requests, refused, samples, textBytes, wireBytes, ...losses } = store.totals;
  const factor = wireBytes > 0 ? ` (${(textBytes / wireBytes).toFixed(1)}x)` : '';
  const families = new Set<string>();
  for (const target of store.targets) for (const name of target.families.keys()) families.add(name);
  const counts = [
    ['refused pushes', refused],
    ['bad lines', losses.invalidLines],
    ['ignored samples', losses.ignoredSamples],
    ['dropped series', losses.droppedSeries],
  ] as const;
  const lost = counts.filter(([, count]) => count > 0).map(([what, count]) => `${what}: ${countText(count)}`);
  return [
    `Firesteel receiver, up ${ageText(nowMs - store.startedMs)}`,
    [
      `${countText(requests)} pushes`,
      `${countText(samples)} samples`,
      `${countText(store.seriesCount)} series`,
      `${countText(families.size)} families`,
    ].join(' · '),
    `${humanBytes(textBytes)} text · ${humanBytes(wireBytes)} on the wire${factor}`,
    ...(lost.length > 0 ? [lost.join(' · ')] : []),
  ];
}

/** A column: its header, and the alignment of its cells. */
type Column = readonly [head: string, side: 'left' | 'right'];

const TARGET_COLUMNS: readonly Column[] = [
  ['TARGET', 'left'],
  ['VIA', 'left'],
  ['SERIES', 'right'],
  ['SAMPLES/S', 'right'],
  ['TEXT', 'right'],
  ['WIRE', 'right'],
  ['AGE', 'right'],
];

function targetCells(target: PushSource, nowMs: number): string[] {
  const { stampMs, previousStampMs, samplesAtStamp } = target;
  const seconds = previousStampMs === undefined ? 0 : (stampMs - previousStampMs) / 1000;
  return [
    targetName(target),
    target.protocol === 'vm' ? 'import' : 'group',
    countText(target.seriesCount),
    seconds > 0 ? countText(samplesAtStamp / seconds) : '-',
    humanBytes(target.textBytes),
    humanBytes(target.wireBytes),
    ageText(nowMs - target.receivedMs),
  ];
}

const NODE_COLUMNS: readonly Column[] = [
  ['NODE', 'left'],
  ['LOAD1', 'right'],
  ['CPU', 'right'],
  ['MEM AVAIL', 'right'],
  ['ROOT USED', 'right'],
  ['NET IN', 'right'],
  ['NET OUT', 'right'],
];

function nodeCells(node: ReturnType<typeof headlines>[number]): string[] {
  const { load1, cpuBusy, memoryAvailableBytes, memoryBytes, rootUsed, rootBytes } = node;
  return [
    node.instance || '(none)',
    known(load1, (value) => value.toFixed(2)),
    known(cpuBusy, percentText),
    known(memoryAvailableBytes, (value) => shareText(value, memoryBytes)),
    known(rootUsed, (value) => percentText(value) + known(rootBytes, (size) => ` of ${humanBytes(size)}`)),
    known(node.receivedPerSecond, byteRateText),
    known(node.sentPerSecond, byteRateText),
  ];
}

const known = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? '-' : text(value);

/** `job/instance` and, for a group, the rest of its key. */
function targetName({ labels }: PushSource): string {
  const { job = '', instance = '', ...rest } = Object.fromEntries(labels);
  const more = Object.entries(rest).map(([name, value]) => ` ${name}=${value}`);
  return `${job || '(no job)'}/${instance || '(no instance)'}${more.join('')}`;
}

const byName = (one: PushSource, other: PushSource): number => {
  const left = `${targetName(one)} ${one.protocol}`;
  const right = `${targetName(other)} ${other.protocol}`;
  return left < right ? -1 : 1;
};

/** Rows under headers, separated by two spaces; the first column is shortened if `width` is too small. */
function table(columns: readonly Column[], rows: readonly string[][], width: number): string[] {
  const shown = [columns.map(([head]) => head), ...rows.slice(0, MAX_ROWS)].map((row) => row.map(terminalText));
  const widths = columns.map((_, column) => Math.max(...shown.map((row) => (row[column] ?? '').length)));
  const others = widths.slice(1).reduce((sum, one) => sum + one + 2, 0);
  widths[0] = Math.min(widths[0] ?? 0, Math.max(8, width - others));
  const lines = shown.map((row) => {
    const cells = row.map((cell, column) => {
      const size = widths[column] ?? 0;
      return columns[column]?.[1] === 'left' ? clip(cell, size).padEnd(size) : cell.padStart(size);
    });
    return clip(cells.join('  ').trimEnd(), width);
  });
  if (rows.length > MAX_ROWS) lines.push(`… and ${rows.length - MAX_ROWS} more`);
  return lines;
}

/** At most two lines of `width` columns. */
function wrap(text: string, width: number): string[] {
  const clean = `  ${terminalText(text)}`;
  if (clean.length <= width) return [clean];
  const blank = clean.lastIndexOf(' ', width);
  const cut = blank > 4 ? blank : width;
  return [clean.slice(0, cut), clip(`    ${clean.slice(cut).trimStart()}`, width)];
}

const clip = (text: string, size: number): string => (text.length > size ? `${text.slice(0, size - 1)}…` : text);
