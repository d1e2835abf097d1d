import { counter, type Family, gauge } from '../../metrics/family.ts';

/** Labels of every series of a probe: the identity is in the lines. */
export const IDENTITY = ['job', 'instance'] as const;

/** A gauge of one target. */
export const probeGauge = (name: string, help: string, labels: readonly string[] = []): Family =>
  gauge(name, help, [...IDENTITY, ...labels]);

/** The families of every probe. Names and help texts: blackbox_exporter 0.28, prober/handler.go and prober/utils.go. */
export const COMMON = {
  success: probeGauge('probe_success', 'Displays whether or not the probe was a success'),
  duration: probeGauge('probe_duration_seconds', 'Returns how long the probe took to complete in seconds'),
  timeout: probeGauge('probe_timeout_seconds', 'Returns the timeout used for the probe in seconds'),
  lookup: probeGauge('probe_dns_lookup_time_seconds', 'Returns the time taken for probe dns lookup in seconds'),
  protocol: probeGauge('probe_ip_protocol', 'Specifies whether probe ip protocol is IP4 or IP6'),
  hash: probeGauge(
    'probe_ip_addr_hash',
    "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
  ),
  up: probeGauge('firesteel_probe_up', 'Always 1. The label shows why the last probe failed; ok if it did not.', [
    'reason',
  ]),
  lastRun: probeGauge('firesteel_probe_last_run_timestamp_seconds', 'When the target was last probed.'),
  runs: counter('firesteel_probe_runs_total', 'Probes of the target since the task was loaded.', [
    ...IDENTITY,
    'outcome',
  ]),
  resolved: probeGauge('firesteel_probe_resolved_addresses', 'How many addresses the name of the target has.', [
    'family',
  ]),
  addressSuccess: probeGauge(
    'firesteel_probe_address_success',
    'Whether the probe of this address was a success; only with addresses: all.',
    ['ip'],
  ),
  addressDuration: probeGauge(
    'firesteel_probe_address_duration_seconds',
    'How long it took to connect to this address, or to get its reply to a ping; only with addresses: all.',
    ['ip'],
  ),
  addressesSkipped: probeGauge(
    'firesteel_probe_addresses_skipped',
    'Addresses that were not probed because the name has more than 16; only with addresses: all.',
  ),
} as const;

/** All of them, for the record of a task type. */
export const COMMON_FAMILIES: readonly Family[] = Object.values(COMMON);

/** The families of probes with TLS. Source: blackbox_exporter, prober/tls.go. */
export const TLS = {
  earliestExpiry: probeGauge('probe_ssl_earliest_cert_expiry', 'Returns last SSL chain expiry in unixtime'),
  chainExpiry: probeGauge(
    'probe_ssl_last_chain_expiry_timestamp_seconds',
    'Returns last SSL chain expiry in timestamp',
  ),
  chainInfo: probeGauge('probe_ssl_last_chain_info', 'Contains SSL leaf certificate information', [
    'fingerprint_sha256',
    'subject',
    'issuer',
    'subjectalternative',
    'serialnumber',
  ]),
  version: probeGauge('probe_tls_version_info', 'Returns the TLS version used or NaN when unknown', ['version']),
  cipher: probeGauge('probe_tls_cipher_info', 'Returns the TLS cipher negotiated during handshake', ['cipher']),
} as const;

/** Whether the probe failed because of an expression; for probes with expressions. */
export const FAILED_DUE_TO_REGEX = probeGauge('probe_failed_due_to_regex', 'Indicates if probe failed due to regex');
