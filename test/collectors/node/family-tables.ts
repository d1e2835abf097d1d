/** A file below the collector's folder, its content, and the resulting sample. */
export interface FileSample {
  readonly file: string;
  readonly content: string;
  readonly family: string;
  readonly value: string;
}

/** Lines of file, content, family without `prefix`, value. The names are those of node_exporter. */
function table(prefix: string, lines: string): FileSample[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [file = '', content = '', name = '', value = ''] = line.trim().split(' ');
      return { file, content: `${content}\n`, family: prefix + name, value };
    });
}

/** Counters of an InfiniBand port: Documentation/ABI/stable/sysfs-class-infiniband. Those of data count words of 4 bytes. */
export const INFINIBAND = table(
  'node_infiniband_',
  `
  counters/VL15_dropped 11 vl15_dropped_total 11
  counters/excessive_buffer_overrun_errors 12 excessive_buffer_overrun_errors_total 12
  counters/link_downed 13 link_downed_total 13
  counters/link_error_recovery 14 link_error_recovery_total 14
  counters/local_link_integrity_errors 15 local_link_integrity_errors_total 15
  counters/multicast_rcv_packets 16 multicast_packets_received_total 16
  counters/multicast_xmit_packets 17 multicast_packets_transmitted_total 17
  counters/port_rcv_constraint_errors 18 port_constraint_errors_received_total 18
  counters/port_rcv_data 19 port_data_received_bytes_total 76
  counters/port_rcv_discards 20 port_discards_received_total 20
  counters/port_rcv_errors 21 port_errors_received_total 21
  counters/port_rcv_packets 22 port_packets_received_total 22
  counters/port_rcv_remote_physical_errors 23 port_receive_remote_physical_errors_total 23
  counters/port_rcv_switch_relay_errors 24 port_receive_switch_relay_errors_total 24
  counters/port_xmit_constraint_errors 25 port_constraint_errors_transmitted_total 25
  counters/port_xmit_data 26 port_data_transmitted_bytes_total 104
  counters/port_xmit_discards 27 port_discards_transmitted_total 27
  counters/port_xmit_packets 28 port_packets_transmitted_total 28
  counters/port_xmit_wait 29 port_transmit_wait_total 29
  counters/symbol_error 30 symbol_error_total 30
  counters/unicast_rcv_packets 31 unicast_packets_received_total 31
  counters/unicast_xmit_packets 32 unicast_packets_transmitted_total 32
  counters_ext/port_multicast_rcv_packets 33 legacy_multicast_packets_received_total 33
  counters_ext/port_multicast_xmit_packets 34 legacy_multicast_packets_transmitted_total 34
  counters_ext/port_rcv_data_64 35 legacy_data_received_bytes_total 140
  counters_ext/port_rcv_packets_64 36 legacy_packets_received_total 36
  counters_ext/port_unicast_rcv_packets 37 legacy_unicast_packets_received_total 37
  counters_ext/port_unicast_xmit_packets 38 legacy_unicast_packets_transmitted_total 38
  counters_ext/port_xmit_data_64 39 legacy_data_transmitted_bytes_total 156
  counters_ext/port_xmit_packets_64 40 legacy_packets_transmitted_total 40
  hw_counters/duplicate_request 41 duplicate_requests_packets_total 41
  hw_counters/implied_nak_seq_err 42 implied_nak_seq_errors_total 42
  hw_counters/local_ack_timeout_err 43 local_ack_timeout_errors_total 43
  hw_counters/np_cnp_sent 44 np_cnp_packets_sent_total 44
  hw_counters/np_ecn_marked_roce_packets 45 np_ecn_marked_roce_packets_received_total 45
  hw_counters/out_of_buffer 46 out_of_buffer_drops_total 46
  hw_counters/out_of_sequence 47 out_of_sequence_packets_received_total 47
  hw_counters/packet_seq_err 48 packet_sequence_errors_total 48
  hw_counters/req_cqe_error 49 req_cqes_errors_total 49
  hw_counters/req_cqe_flush_error 50 req_cqes_flush_errors_total 50
  hw_counters/req_remote_access_errors 51 req_remote_access_errors_total 51
  hw_counters/req_remote_invalid_request 52 req_remote_invalid_request_errors_total 52
  hw_counters/resp_cqe_error 53 resp_cqes_errors_total 53
  hw_counters/resp_cqe_flush_error 54 resp_cqes_flush_errors_total 54
  hw_counters/resp_local_length_error 55 resp_local_length_errors_total 55
  hw_counters/resp_remote_access_errors 56 resp_remote_access_errors_total 56
  hw_counters/rnr_nak_retry_err 57 rnr_nak_retry_packets_received_total 57
  hw_counters/roce_adp_retrans 58 roce_adp_retransmits_total 58
  hw_counters/roce_adp_retrans_to 59 roce_adp_retransmits_timeout_total 59
  hw_counters/roce_slow_restart 60 roce_slow_restart_used_total 60
  hw_counters/roce_slow_restart_cnps 61 roce_slow_restart_cnps_total 61
  hw_counters/roce_slow_restart_trans 62 roce_slow_restart_total 62
  hw_counters/rp_cnp_handled 63 rp_cnp_packets_handled_total 63
  hw_counters/rp_cnp_ignored 64 rp_cnp_ignored_packets_received_total 64
  hw_counters/rx_atomic_requests 65 rx_atomic_requests_total 65
  hw_counters/rx_dct_connect 66 rx_dct_connect_requests_total 66
  hw_counters/rx_icrc_encapsulated 67 rx_icrc_encapsulated_errors_total 67
  hw_counters/rx_read_requests 68 rx_read_requests_total 68
  hw_counters/rx_write_requests 69 rx_write_requests_total 69
`,
);

/** Attributes of a power supply: Documentation/ABI/testing/sysfs-class-power. Micro units, tenths of a degree, percent. */
export const POWER_SUPPLY = table(
  'node_power_supply_',
  `
  authentic 2 authentic 2
  calibrate 3 calibrate 3
  capacity 4 capacity 4
  capacity_alert_max 5 capacity_alert_max 5
  capacity_alert_min 6 capacity_alert_min 6
  cycle_count 7 cyclecount 7
  online 8 online 8
  present 9 present 9
  time_to_empty_now 10 time_to_empty_seconds 10
  time_to_full_now 11 time_to_full_seconds 11
  temp 60 temp_celsius 6
  temp_alert_max 65 temp_alert_max_celsius 6.5
  temp_alert_min 70 temp_alert_min_celsius 7
  temp_ambient 75 temp_ambient_celsius 7.5
  temp_ambient_max 80 temp_ambient_max_celsius 8
  temp_ambient_min 85 temp_ambient_min_celsius 8.5
  temp_max 90 temp_max_celsius 9
  temp_min 95 temp_min_celsius 9.5
  charge_control_limit 5000000 charge_control_limit 5
  charge_control_limit_max 5250000 charge_control_limit_max 5.25
  charge_counter 5500000 charge_counter 5.5
  charge_empty 5750000 charge_empty 5.75
  charge_empty_design 6000000 charge_empty_design 6
  charge_full 6250000 charge_full 6.25
  charge_full_design 6500000 charge_full_design 6.5
  charge_now 6750000 charge_ampere 6.75
  charge_term_current 7000000 charge_term_current 7
  constant_charge_current 7250000 constant_charge_current 7.25
  constant_charge_current_max 7500000 constant_charge_current_max 7.5
  constant_charge_voltage 7750000 constant_charge_voltage 7.75
  constant_charge_voltage_max 8000000 constant_charge_voltage_max 8
  current_boot 8250000 current_boot 8.25
  current_max 8500000 current_max 8.5
  current_now 8750000 current_ampere 8.75
  energy_empty 9000000 energy_empty 9
  energy_empty_design 9250000 energy_empty_design 9.25
  energy_full 9500000 energy_full 9.5
  energy_full_design 9750000 energy_full_design 9.75
  energy_now 10000000 energy_watthour 10
  input_current_limit 10250000 input_current_limit 10.25
  power_now 10500000 power_watt 10.5
  precharge_current 10750000 precharge_current 10.75
  voltage_boot 11000000 voltage_boot 11
  voltage_max 11250000 voltage_max 11.25
  voltage_max_design 11500000 voltage_max_design 11.5
  voltage_min 11750000 voltage_min 11.75
  voltage_min_design 12000000 voltage_min_design 12
  voltage_now 12250000 voltage_volt 12.25
  voltage_ocv 12500000 voltage_ocv 12.5
`,
);
