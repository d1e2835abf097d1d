import { counter, type Family, gauge } from '../../metrics/family.ts';

const PORT = ['device', 'port'];

export const infinibandInfo = gauge('node_infiniband_info', 'Always 1; device information.', [
  'device',
  'board_id',
  'firmware_version',
  'hca_type',
]);
export const state = gauge('node_infiniband_state_id', 'State of the port; 4 is active.', PORT);
export const physicalState = gauge('node_infiniband_physical_state_id', 'Physical state of the port; 5 is up.', PORT);
export const rate = gauge('node_infiniband_rate_bytes_per_second', 'Speed of the port.', PORT);
export const lifespan = gauge(
  'node_infiniband_lifespan_seconds',
  'Maximum age of the hardware counters, in whole seconds.',
  PORT,
);

/** Name and HELP text of counters by file, by folder of the port. */
const COUNTERS = {
  counters: {
    VL15_dropped: ['vl15_dropped_total', 'VL15 (management) packets dropped for lack of resources.'],
    excessive_buffer_overrun_errors: [
      'excessive_buffer_overrun_errors_total',
      'Number of times that buffer overruns persisted over several flow control updates.',
    ],
    link_downed: ['link_downed_total', 'Number of times the link failed to recover from an error and went down.'],
    link_error_recovery: ['link_error_recovery_total', 'Number of times the link recovered from an error.'],
    local_link_integrity_errors: [
      'local_link_integrity_errors_total',
      'Number of times that local physical errors exceeded their threshold.',
    ],
    multicast_rcv_packets: ['multicast_packets_received_total', 'Multicast packets received, including bad ones.'],
    multicast_xmit_packets: ['multicast_packets_transmitted_total', 'Multicast packets sent, including bad ones.'],
    port_rcv_constraint_errors: [
      'port_constraint_errors_received_total',
      'Packets received and discarded by the filters of a switch port.',
    ],
    port_rcv_data: ['port_data_received_bytes_total', 'Bytes received.'],
    port_rcv_discards: [
      'port_discards_received_total',
      'Packets received and discarded because the port was down or congested.',
    ],
    port_rcv_errors: ['port_errors_received_total', 'Packets received with errors.'],
    port_rcv_packets: ['port_packets_received_total', 'Packets received, including bad ones.'],
    port_rcv_remote_physical_errors: [
      'port_receive_remote_physical_errors_total',
      'Packets received that were marked as bad on the way (EBP delimiter).',
    ],
    port_rcv_switch_relay_errors: [
      'port_receive_switch_relay_errors_total',
      'Packets received that the switch could not forward.',
    ],
    port_xmit_constraint_errors: [
      'port_constraint_errors_transmitted_total',
      'Packets not sent because of the filters of a switch port.',
    ],
    port_xmit_data: ['port_data_transmitted_bytes_total', 'Bytes sent.'],
    port_xmit_discards: [
      'port_discards_transmitted_total',
      'Outgoing packets discarded because the port was down or congested.',
    ],
    port_xmit_packets: ['port_packets_transmitted_total', 'Packets sent, including bad ones.'],
    port_xmit_wait: ['port_transmit_wait_total', 'Ticks in which the port had data to send but sent none.'],
    symbol_error: ['symbol_error_total', 'Minor link errors on physical lanes.'],
    unicast_rcv_packets: ['unicast_packets_received_total', 'Unicast packets received, including bad ones.'],
    unicast_xmit_packets: ['unicast_packets_transmitted_total', 'Unicast packets sent, including bad ones.'],
  },
  counters_ext: {
    port_multicast_rcv_packets: ['legacy_multicast_packets_received_total', 'Multicast packets received.'],
    port_multicast_xmit_packets: ['legacy_multicast_packets_transmitted_total', 'Multicast packets sent.'],
    port_rcv_data_64: ['legacy_data_received_bytes_total', 'Bytes received.'],
    port_rcv_packets_64: ['legacy_packets_received_total', 'Packets received.'],
    port_unicast_rcv_packets: ['legacy_unicast_packets_received_total', 'Unicast packets received.'],
    port_unicast_xmit_packets: ['legacy_unicast_packets_transmitted_total', 'Unicast packets sent.'],
    port_xmit_data_64: ['legacy_data_transmitted_bytes_total', 'Bytes sent.'],
    port_xmit_packets_64: ['legacy_packets_transmitted_total', 'Packets sent.'],
  },
  hw_counters: {
    duplicate_request: [
      'duplicate_requests_packets_total',
      'Packets received of requests that had been executed before.',
    ],
    implied_nak_seq_err: [
      'implied_nak_seq_errors_total',
      'Number of times an ACK had a sequence number above the one expected for a response.',
    ],
    local_ack_timeout_err: [
      'local_ack_timeout_errors_total',
      'Number of times the ACK timer of a queue pair expired at the sender.',
    ],
    np_cnp_sent: ['np_cnp_packets_sent_total', 'Congestion notification packets (CNP) sent.'],
    np_ecn_marked_roce_packets: [
      'np_ecn_marked_roce_packets_received_total',
      'RoCEv2 packets received with a congestion mark (ECN).',
    ],
    out_of_buffer: ['out_of_buffer_drops_total', 'Packets dropped because the queue pair had no receive buffer (WQE).'],
    out_of_sequence: ['out_of_sequence_packets_received_total', 'Packets received out of sequence.'],
    packet_seq_err: ['packet_sequence_errors_total', 'NAKs received because of a sequence error.'],
    req_cqe_error: ['req_cqes_errors_total', 'Completions with an error, at the requester.'],
    req_cqe_flush_error: ['req_cqes_flush_errors_total', 'Completions with a flush error, at the requester.'],
    req_remote_access_errors: ['req_remote_access_errors_total', 'Remote access errors, at the requester.'],
    req_remote_invalid_request: [
      'req_remote_invalid_request_errors_total',
      'Invalid request errors reported by the remote side, at the requester.',
    ],
    resp_cqe_error: ['resp_cqes_errors_total', 'Completions with an error, at the responder.'],
    resp_cqe_flush_error: ['resp_cqes_flush_errors_total', 'Completions with a flush error, at the responder.'],
    resp_local_length_error: ['resp_local_length_errors_total', 'Local length errors, at the responder.'],
    resp_remote_access_errors: ['resp_remote_access_errors_total', 'Remote access errors, at the responder.'],
    rnr_nak_retry_err: [
      'rnr_nak_retry_packets_received_total',
      'NAKs received because the receiver was not ready (RNR).',
    ],
    roce_adp_retrans: ['roce_adp_retransmits_total', 'Adaptive retransmissions of RoCE traffic.'],
    roce_adp_retrans_to: [
      'roce_adp_retransmits_timeout_total',
      'Timeouts of RoCE traffic caused by adaptive retransmission.',
    ],
    roce_slow_restart: ['roce_slow_restart_used_total', 'Number of times RoCE slow restart was used.'],
    roce_slow_restart_cnps: [
      'roce_slow_restart_cnps_total',
      'Number of times RoCE slow restart generated congestion notification packets (CNP).',
    ],
    roce_slow_restart_trans: ['roce_slow_restart_total', 'Number of times RoCE changed to the state slow restart.'],
    rp_cnp_handled: ['rp_cnp_packets_handled_total', 'Congestion notification packets (CNP) received and handled.'],
    rp_cnp_ignored: [
      'rp_cnp_ignored_packets_received_total',
      'Congestion notification packets (CNP) received and ignored.',
    ],
    rx_atomic_requests: ['rx_atomic_requests_total', 'ATOMIC requests received.'],
    rx_dct_connect: [
      'rx_dct_connect_requests_total',
      'Connection requests received for DCTs (dynamically connected transports).',
    ],
    rx_icrc_encapsulated: ['rx_icrc_encapsulated_errors_total', 'RoCE packets received with an ICRC error.'],
    rx_read_requests: ['rx_read_requests_total', 'READ requests received.'],
    rx_write_requests: ['rx_write_requests_total', 'WRITE requests received.'],
  },
} as const;

/** Files whose unit is words of four bytes. */
export const WORD_COUNTERS: ReadonlySet<string> = new Set([
  'port_rcv_data',
  'port_xmit_data',
  'port_rcv_data_64',
  'port_xmit_data_64',
]);

const familiesOf = (counters: Readonly<Record<string, readonly [name: string, help: string]>>) =>
  new Map(
    Object.entries(counters).map(([file, [name, help]]) => [file, counter(`node_infiniband_${name}`, help, PORT)]),
  );

/** Families by file, by folder. Kernels before 4.5 have the 64-bit counters in `counters_ext`. */
export const portFolders: readonly (readonly [folder: string, families: ReadonlyMap<string, Family>])[] =
  Object.entries(COUNTERS).map(([folder, counters]) => [folder, familiesOf(counters)]);
