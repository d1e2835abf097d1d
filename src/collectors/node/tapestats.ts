// /sys/class/scsi_tape/<drive>/stats: Documentation/ABI/testing/sysfs-class-scsi_tape of the kernel. Absent without
// SCSI tape drives.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { countAttribute } from '../../host/attributes.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';
import { nameFilter } from './name-filter.ts';

const count = (name: string, help: string) => counter(name, help, ['device']);
const NANOSECONDS = 1e-9;

/** Families by file. */
const files: readonly (readonly [file: string, family: Family, factor: number])[] = [
  ['in_flight', gauge('node_tape_io_now', 'Requests in flight.', ['device']), 1],
  ['io_ns', count('node_tape_io_time_seconds_total', 'Time spent on requests of all kinds.'), NANOSECONDS],
  ['other_cnt', count('node_tape_io_others_total', 'Requests other than reads and writes.'), 1],
  ['read_byte_cnt', count('node_tape_read_bytes_total', 'Bytes read.'), 1],
  ['read_cnt', count('node_tape_reads_completed_total', 'Reads completed.'), 1],
  ['read_ns', count('node_tape_read_time_seconds_total', 'Time spent on reads.'), NANOSECONDS],
  [
    'resid_cnt',
    count('node_tape_residual_total', 'Requests that transferred fewer bytes than requested (residual).'),
    1,
  ],
  ['write_byte_cnt', count('node_tape_written_bytes_total', 'Bytes written.'), 1],
  ['write_cnt', count('node_tape_writes_completed_total', 'Writes completed.'), 1],
  ['write_ns', count('node_tape_write_time_seconds_total', 'Time spent on writes.'), NANOSECONDS],
];

/** Each drive has further names, for other modes (st0l) and without rewinding (nst0). */
const DRIVE = /^st\d+$/;

const options = z.strictObject({
  ignoredDevices: pattern().prefault('^$').describe('Exclude drives whose name matches.'),
});

/** I/O of tape drives. */
export const tapestats = defineCollector({
  name: 'tapestats',
  enabled: true,
  summary: 'I/O of SCSI tape drives, from `/sys/class/scsi_tape/<drive>/stats`.',
  options,
  whenEmpty: 'no matching tape drives found',
  families: files.map(([, family]) => family),
  create({ host }, { ignoredDevices }) {
    const isWanted = nameFilter('tapestats', { include: undefined, exclude: ignoredDevices });
    const folder = host.sys('class/scsi_tape');
    return (out) => {
      for (const device of host.list(folder)) {
        if (!DRIVE.test(device) || !isWanted(device)) continue;
        for (const [file, family, factor] of files) {
          const path = `${folder}/${device}/stats/${file}`;
          out.attempt(path, () => {
            const value = countAttribute(host, path);
            if (value !== undefined) out.add(family, value * factor, device);
          });
        }
      }
    };
  },
});
