// /proc/drbd of DRBD 8: its User's Guide, "Status information in /proc/drbd". Absent without the module; DRBD 9 only
// reports its version there.
import { filled } from '../../host/lines.ts';
import { integer } from '../../host/numbers.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const DEVICE = ['device'];
const total = (name: string, help: string, factor = 1) => ({ family: counter(name, help, DEVICE), factor });
const level = (name: string, help: string, factor = 1) => ({ family: gauge(name, help, DEVICE), factor });
const KIB = 1024;

/** Numbers by their keyword. */
const numbers: ReadonlyMap<string, { readonly family: Family; readonly factor: number }> = new Map([
  ['ns', total('node_drbd_network_sent_bytes_total', 'Bytes sent to the peer.', KIB)],
  // Kibibytes too; node_exporter does not scale them.
  ['nr', total('node_drbd_network_received_bytes_total', 'Kibibytes received from the peer, despite the name.')],
  ['dw', total('node_drbd_disk_written_bytes_total', 'Bytes written to the local disk.', KIB)],
  ['dr', total('node_drbd_disk_read_bytes_total', 'Bytes read from the local disk.', KIB)],
  ['al', total('node_drbd_activitylog_writes_total', 'Updates of the activity log.')],
  ['bm', total('node_drbd_bitmap_writes_total', 'Updates of the bitmap.')],
  ['lo', level('node_drbd_local_pending', 'Open requests to the local disk.')],
  ['pe', level('node_drbd_remote_pending', 'Requests to the peer awaiting an answer.')],
  ['ua', level('node_drbd_remote_unacknowledged', 'Requests from the peer not yet answered.')],
  ['ap', level('node_drbd_application_pending', 'Requests from the file system not yet completed.')],
  ['ep', level('node_drbd_epochs', 'Epoch objects in flight.')],
  ['oos', level('node_drbd_out_of_sync_bytes', 'Bytes that are out of sync.', KIB)],
]);

const NODE = ['device', 'node'];
const primary = gauge('node_drbd_node_role_is_primary', 'Whether the node is primary.', NODE);
const upToDate = gauge('node_drbd_disk_state_is_up_to_date', 'Whether the disk is up to date.', NODE);

/** Pairs `local/remote` by their keyword, with the word that means 1. */
const pairs: ReadonlyMap<string, readonly [Family, string]> = new Map([
  ['ro', [primary, 'Primary']],
  ['ds', [upToDate, 'UpToDate']],
]);

const connected = gauge('node_drbd_connected', 'Whether the peer is connected.', DEVICE);

/** Replicated block devices. */
export const drbd = defineCollector({
  name: 'drbd',
  enabled: false,
  summary: 'Replicated block devices of DRBD 8, from `/proc/drbd`.',
  options: NO_OPTIONS,
  whenEmpty: 'DRBD has no devices, or is version 9',
  families: [...[...numbers.values()].map(({ family }) => family), primary, upToDate, connected],
  create({ host }) {
    const path = host.proc('drbd');
    return (out) => {
      for (const [device, fields] of parseDrbd(filled(path, host.read(path))))
        out.attempt(device, () => addDevice(out, device, fields));
    };
  },
});

/** The words `key:value` of each device, each of which begins with a word such as `1:`. */
function parseDrbd(text: string): Map<string, [key: string, value: string][]> {
  const devices = new Map<string, [string, string][]>();
  let fields: [string, string][] | undefined;
  for (const word of text.split(/\s+/)) {
    const [key = '', value, ...more] = word.split(':');
    if (value === '' && /^\d+$/.test(key)) {
      fields = [];
      devices.set(`drbd${key}`, fields);
    } else if (value !== undefined && more.length === 0) fields?.push([key, value]);
  }
  return devices;
}

function addDevice(out: Snapshot, device: string, fields: readonly (readonly [string, string])[]): void {
  for (const [key, value] of fields) {
    const number = numbers.get(key);
    if (number) out.attempt(`${device} ${key}`, () => out.add(number.family, integer(value) * number.factor, device));
    const [family, word] = pairs.get(key) ?? [];
    if (family) {
      const [local, remote] = value.split('/');
      out.add(family, local === word ? 1 : 0, device, 'local');
      out.add(family, remote === word ? 1 : 0, device, 'remote');
    }
    if (key === 'cs') out.add(connected, value === 'Connected' ? 1 : 0, device);
  }
}
