// /sys/class/net/<master>/bonding: Documentation/networking/bonding.rst of the kernel. Absent if the bonding module is
// not loaded.
import { words } from '../../host/lines.ts';
import { gauge } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const slaves = gauge('node_bonding_slaves', 'Configured member devices of the bond.', ['master']);
const active = gauge('node_bonding_active', 'Member devices of the bond whose link is up.', ['master']);

/** Bonded devices. */
export const bonding = defineCollector({
  name: 'bonding',
  enabled: true,
  summary: 'Bonding devices, their members and how many of them have a link, from `/sys/class/net/<master>/bonding`.',
  options: NO_OPTIONS,
  whenEmpty: 'no bonding devices found',
  families: [slaves, active],
  create({ host }) {
    const path = (...name: string[]) => host.sys('class/net', ...name);
    // Old kernels have links slave_<name> instead of lower_<name>.
    const status = (master: string, slave: string) =>
      host.attribute(path(master, `lower_${slave}`, 'bonding_slave/mii_status')) ??
      host.attribute(path(master, `slave_${slave}`, 'bonding_slave/mii_status'));
    return (out) => {
      for (const master of words(host.read(path('bonding_masters')))) {
        out.attempt(master, () => {
          const names = host.attribute(path(master, 'bonding/slaves'));
          if (names === undefined) return;
          const members = words(names);
          out.add(slaves, members.length, master);
          out.add(active, members.filter((slave) => status(master, slave) === 'up').length, master);
        });
      }
    };
  },
});
