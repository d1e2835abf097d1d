// /proc/sys/fs/file-nr: proc_sys_fs(5). Present on every Linux host.
import { oneLine, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const allocated = gauge('node_filefd_allocated', 'Open files of all processes.');
const maximum = gauge('node_filefd_maximum', 'Maximum number of open files of all processes.');

/** Open files. */
export const filefd = defineCollector({
  name: 'filefd',
  enabled: true,
  summary: 'Open files and their limit, from `/proc/sys/fs/file-nr`.',
  options: NO_OPTIONS,
  families: [allocated, maximum],
  create({ host }) {
    const path = host.proc('sys/fs/file-nr');
    return (out) => {
      const [open, limit] = oneLine(path, host.read(path), parseFileNr);
      out.add(allocated, open);
      out.add(maximum, limit);
    };
  },
});

/** Open files and their limit, of `1024	0	1631329`; the second column has been 0 since Linux 2.6. */
function parseFileNr(text: string): [open: number, limit: number] {
  const [open, , limit] = words(text);
  return [count(open), count(limit)];
}
