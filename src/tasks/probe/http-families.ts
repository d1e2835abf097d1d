import { probeGauge } from './families.ts';

/** The families of the type `http`. Source: blackbox_exporter 0.28, prober/http.go. */
export const HTTP = {
  duration: probeGauge('probe_http_duration_seconds', 'Duration of http request by phase, summed over all redirects', [
    'phase',
  ]),
  status: probeGauge('probe_http_status_code', 'Response HTTP status code'),
  contentLength: probeGauge('probe_http_content_length', 'Length of http content response'),
  bodyLength: probeGauge('probe_http_uncompressed_body_length', 'Length of uncompressed response body'),
  redirects: probeGauge('probe_http_redirects', 'The number of redirects'),
  ssl: probeGauge('probe_http_ssl', 'Indicates if SSL was used for the final redirect'),
  version: probeGauge('probe_http_version', 'Returns the version of HTTP of the probe response'),
  lastModified: probeGauge(
    'probe_http_last_modified_timestamp_seconds',
    'Returns the Last-Modified HTTP response header in unixtime',
  ),
  failedDueToCel: probeGauge(
    'probe_failed_due_to_cel',
    'Indicates if probe failed due to a rule for the JSON document of the body; only with body.json',
  ),
} as const;
