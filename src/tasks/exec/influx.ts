import { toLabelName, toMetricName } from '../../metrics/family.ts';
import type { ParsedText } from './reading.ts';

/** Nanoseconds, as most scripts write them. */
const NS_PER_MS = 1e6;

/** One line of InfluxDB's line protocol: `m,tag=v f1=1,f2=2i,f3="s",f4=t 1700000000000000000`. Throws for others. */
export function readInflux(reading: ParsedText, line: string, prefix: string): void {
  if (line.trim() === '' || line.startsWith('#')) return;
  const [head = '', fields = '', stamp] = splitOutside(line.trim(), ' ');
  const [measurement = '', ...tags] = splitOutside(head, ',');
  if (measurement === '' || fields === '') throw new Error('expected measurement[,tag=value…] field=value…');
  const labels = tags.map((tag) => {
    const [name = '', value = ''] = splitOutside(tag, '=');
    return [toLabelName(plain(name)), plain(value)] as const;
  });
  if (stamp !== undefined && !/^-?\d+$/.test(stamp)) throw new Error('the timestamp is not an integer');
  const stampMs = stamp === undefined ? undefined : Math.round(Number(stamp) / NS_PER_MS);
  for (const field of splitOutside(fields, ',')) {
    const [name = '', text = ''] = splitOutside(field, '=');
    const value = fieldValue(text);
    if (value === undefined) {
      reading.lose(`field ${plain(name)} is not a number`);
      continue;
    }
    const full = toMetricName(`${prefix}${plain(measurement)}_${plain(name)}`);
    reading.family(full).type = 'gauge';
    reading.add({ name: full, labels, value, stampMs });
  }
}

function fieldValue(text: string): number | undefined {
  if (/^(?:t|T|true|True|TRUE)$/.test(text)) return 1;
  if (/^(?:f|F|false|False|FALSE)$/.test(text)) return 0;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[iu]?$/.exec(text);
  return match ? Number(match[1]) : undefined;
}

const plain = (text: string): string => text.replaceAll(/\\([,= \\])/g, '$1');

/** Splits at a character that is neither escaped nor in quotes. */
function splitOutside(text: string, at: string): string[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '\\' && index + 1 < text.length) part += character + text.charAt(++index);
    else if (character === '"') {
      isQuoted = !isQuoted;
      part += character;
    } else if (character === at && !isQuoted) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  parts.push(part);
  return parts;
}
