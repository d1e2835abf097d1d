// /proc/cgroups: cgroups(7), version 1. Absent without CONFIG_PROC_PID_CGROUP; with version 2 alone it has little data.
import { eachRecord, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const cgroupCount = gauge('node_cgroups_cgroups', 'Control groups that use the controller.', ['subsys_name']);
const enabled = gauge('node_cgroups_enabled', 'Whether the controller is enabled.', ['subsys_name']);

/** Control groups by controller. */
export const cgroups = defineCollector({
  name: 'cgroups',
  enabled: false,
  summary: 'Control groups by controller, from `/proc/cgroups`.',
  options: NO_OPTIONS,
  whenEmpty: 'the kernel lists no cgroup v1 controllers',
  families: [cgroupCount, enabled],
  create({ host }) {
    const path = host.proc('cgroups');
    return (out) => {
      eachRecord(out, path, host.read(path), (line) => {
        if (line.startsWith('#')) return;
        const [controller = '', , number, isEnabled] = words(line);
        const [groups, flag] = [count(number), count(isEnabled)];
        out.add(cgroupCount, groups, controller);
        out.add(enabled, flag, controller);
      });
    };
  },
});
