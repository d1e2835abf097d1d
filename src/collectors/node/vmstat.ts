// /proc/vmstat: proc_vmstat(5); the names are in mm/vmstat.c. Present on every Linux host.
import * as z from 'zod';
import { pattern } from '../../config/units.ts';
import { eachRecord } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { type Family, untyped } from '../../metrics/family.ts';
import { defineCollector } from '../collector.ts';

/** Families matched by the default expression on most kernels. */
const USUAL: Readonly<Record<string, string>> = {
  pgpgin: 'KiB read from block devices since boot.',
  pgpgout: 'KiB written to block devices since boot.',
  pswpin: 'Pages read from swap since boot.',
  pswpout: 'Pages written to swap since boot.',
  pgfault: 'Page faults since boot.',
  pgmajfault: 'Major page faults since boot.',
  oom_kill: 'Processes killed by the OOM killer since boot.',
};
function familyOf(field: string): Family {
  if (!/^\w+$/.test(field))
    throw new Error(`expected the name of a field, found ${JSON.stringify(field.slice(0, 40))}`);
  return untyped(`node_vmstat_${field}`, USUAL[field] ?? `${field} of /proc/vmstat.`);
}

const options = z.strictObject({
  fields: pattern().prefault('^(oom_kill|pgpg|pswp|pg.*fault).*').describe('Include only fields whose name matches.'),
});

/** Paging, swapping and OOM kills. */
export const vmstat = defineCollector({
  name: 'vmstat',
  enabled: true,
  summary: 'Paging, swapping and OOM kills, from `/proc/vmstat`: `node_vmstat_<field>` for each selected field.',
  options,
  whenEmpty: 'no fields match the options',
  families: Object.keys(USUAL).map(familyOf),
  create({ host }, { fields }) {
    const path = host.proc('vmstat');
    // Seven of 180 fields are exported: the expression is evaluated once per name, not once per cycle. The names of the
    // last cycle are cached.
    let families = new Map<string, Family | undefined>();
    return (out) => {
      const known = families;
      families = new Map();
      eachRecord(out, path, host.read(path), (line) => {
        const blank = line.indexOf(' ');
        if (blank === -1) throw new Error('expected a field and its value');
        const field = line.slice(0, blank);
        const family = known.has(field) ? known.get(field) : fields.test(field) ? familyOf(field) : undefined;
        families.set(field, family);
        if (family) out.add(family, count(line.slice(blank + 1)));
      });
    };
  },
});
