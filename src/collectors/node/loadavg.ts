import { errorText } from '../../base/error-text.ts';
import { zip } from '../../base/zip.ts';
// /proc/loadavg: proc_loadavg(5). Present on every Linux host.
import { MalformedFile } from '../../host/errors.ts';
import { unsignedDecimal } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const families = [
  gauge('node_load1', 'Load average over one minute.'),
  gauge('node_load5', 'Load average over five minutes.'),
  gauge('node_load15', 'Load average over fifteen minutes.'),
];

/** Load averages. */
export const loadavg = defineCollector({
  name: 'loadavg',
  enabled: true,
  summary: 'Load averages, from `/proc/loadavg`.',
  options: NO_OPTIONS,
  families,
  create({ host }) {
    const path = host.proc('loadavg');
    return (out) => {
      const loads = parseLoadavg(path, host.read(path));
      for (const [family, load] of zip(families, loads)) out.add(family, load);
    };
  },
});

/** The three load averages, `0.21 0.37 0.39 1/719 19737`. */
function parseLoadavg(path: string, text: string): [number, number, number] {
  const [one, five, fifteen] = text.split(' ', 3);
  try {
    return [unsignedDecimal(one), unsignedDecimal(five), unsignedDecimal(fifteen)];
  } catch (cause) {
    throw new MalformedFile(path, 1, errorText(cause));
  }
}
