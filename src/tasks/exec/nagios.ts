import { ParsedText } from './reading.ts';

/** `'label'=value[UOM];[warn];[crit];[min];[max]`: guidelines of the monitoring plugins. */
const PERFDATA = /('(?:[^']|'')*'|[^\s='"]+)=([^\s;]*)((?:;[^\s;]*)*)/g;
const VALUE = /^(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Z%]*)$/;
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)$/;

/** The factor to the base unit, and that unit. */
const UNITS: Readonly<Record<string, readonly [factor: number, unit: string]>> = {
  '': [1, ''],
  s: [1, 'seconds'],
  ms: [1e-3, 'seconds'],
  us: [1e-6, 'seconds'],
  ns: [1e-9, 'seconds'],
  '%': [1, 'percent'],
  B: [1, 'bytes'],
  KB: [1024, 'bytes'],
  kB: [1024, 'bytes'],
  KiB: [1024, 'bytes'],
  MB: [1024 ** 2, 'bytes'],
  MiB: [1024 ** 2, 'bytes'],
  GB: [1024 ** 3, 'bytes'],
  GiB: [1024 ** 3, 'bytes'],
  TB: [1024 ** 4, 'bytes'],
  TiB: [1024 ** 4, 'bytes'],
  c: [1, 'count'],
};

const PARTS = ['warn', 'crit', 'min', 'max'] as const;

/** The performance data of a monitoring plugin's output: the text after `|` in its lines. */
export function readNagios(text: string, prefix: string): ParsedText {
  const reading = new ParsedText();
  const name = `${prefix}perfdata`;
  const put = (suffix: string, labels: readonly (readonly [string, string])[], value: number) => {
    reading.family(name + suffix).type = 'gauge';
    reading.add({ name: name + suffix, labels, value });
  };
  for (const [, quoted = '', value = '', rest = ''] of perfdataOf(text).matchAll(PERFDATA)) {
    const label = quoted.startsWith("'") ? quoted.slice(1, -1).replaceAll("''", "'") : quoted;
    const match = VALUE.exec(value);
    if (!match) {
      // U means that the plugin could not determine the value.
      if (value !== 'U') reading.lose(`${label} is not a number`);
      continue;
    }
    const [, digits = '', written = ''] = match;
    const [factor, unit] = UNITS[written] ?? [1, written];
    const labels = [
      ['label', label],
      ['unit', unit],
    ] as const;
    put('', labels, Number(digits) * factor);
    for (const [index, text_] of rest.split(';').slice(1).entries()) {
      const part = PARTS[index];
      if (part && NUMBER.test(text_)) put(`_${part}`, labels, Number(text_) * factor);
    }
  }
  return reading;
}

/** From the first line the text after the first `|`, and from the others all text after the next one. */
function perfdataOf(text: string): string {
  const [first = '', ...rest] = text.split('\n');
  const bar = first.indexOf('|');
  const long = rest.join('\n');
  const next = long.indexOf('|');
  return `${bar === -1 ? '' : first.slice(bar + 1)} ${next === -1 ? '' : long.slice(next + 1)}`;
}
