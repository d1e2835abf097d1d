// /sys/class/fc_host: drivers/scsi/scsi_transport_fc.c of the kernel. Absent without Fibre Channel adapters.
import type { Host } from '../../host/host.ts';
import { hexadecimal } from '../../host/numbers.ts';
import { counter, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const count = (name: string, help: string) => counter(name, help, ['fc_host']);

/** Families by file below `statistics`. */
const statistics = new Map([
  ['dumped_frames', count('node_fibrechannel_dumped_frames_total', 'Frames dropped for lack of host buffers.')],
  ['error_frames', count('node_fibrechannel_error_frames_total', 'Frames with errors.')],
  ['fcp_packet_aborts', count('node_fibrechannel_fcp_packet_aborts_total', 'FCP packets aborted.')],
  ['invalid_crc_count', count('node_fibrechannel_invalid_crc_total', 'Frames with a wrong checksum.')],
  ['invalid_tx_word_count', count('node_fibrechannel_invalid_tx_words_total', 'Invalid transmission words.')],
  ['link_failure_count', count('node_fibrechannel_link_failure_total', 'Link failures.')],
  ['loss_of_signal_count', count('node_fibrechannel_loss_of_signal_total', 'Number of times the signal was lost.')],
  ['loss_of_sync_count', count('node_fibrechannel_loss_of_sync_total', 'Number of times synchronization was lost.')],
  ['nos_count', count('node_fibrechannel_nos_total', 'Not_Operational primitive sequences received.')],
  ['rx_frames', count('node_fibrechannel_rx_frames_total', 'Frames received.')],
  ['rx_words', count('node_fibrechannel_rx_words_total', 'Words of four bytes received.')],
  [
    'seconds_since_last_reset',
    count('node_fibrechannel_seconds_since_last_reset_total', 'Time since the statistics were last reset.'),
  ],
  ['tx_frames', count('node_fibrechannel_tx_frames_total', 'Frames sent.')],
  ['tx_words', count('node_fibrechannel_tx_words_total', 'Words of four bytes sent.')],
]);

/** The value that drivers report for an unsupported counter. */
const UNSUPPORTED = '0xffffffffffffffff';

const WORDS = ['speed', 'port_state', 'port_type', 'symbolic_name', 'supported_classes', 'supported_speeds'];
const NUMBERS = ['port_id', 'port_name', 'fabric_name'];
const info = gauge('node_fibrechannel_info', 'Always 1; port information.', [
  'fc_host',
  ...WORDS,
  ...NUMBERS,
  'dev_loss_tmo',
]);

/** Ports of Fibre Channel adapters. */
export const fibrechannel = defineCollector({
  name: 'fibrechannel',
  enabled: true,
  summary: 'State and traffic of Fibre Channel ports, from `/sys/class/fc_host`.',
  options: NO_OPTIONS,
  whenEmpty: 'no Fibre Channel ports found',
  families: [info, ...statistics.values()],
  create({ host }) {
    const folder = host.sys('class/fc_host');
    return (out) => {
      for (const port of host.list(folder)) out.attempt(port, () => addPort(out, host, port, `${folder}/${port}`));
    };
  },
});

function addPort(out: Snapshot, host: Host, port: string, folder: string): void {
  const text = (file: string) => out.attempt(`${folder}/${file}`, () => host.attribute(`${folder}/${file}`)) ?? '';
  const numbers = NUMBERS.map((file) => text(file).replace(/^0x/, ''));
  out.add(info, 1, port, ...WORDS.map(text), ...numbers, text('dev_loss_tmo'));
  for (const [file, family] of statistics) {
    const value = text(`statistics/${file}`);
    if (value === '' || value === UNSUPPORTED) continue;
    out.attempt(`${port} ${file}`, () => out.add(family, hexadecimal(value), port));
  }
}
