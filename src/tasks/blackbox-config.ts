// The configuration of blackbox_exporter and of its targets in Prometheus, as far as they can be imported.
import * as z from 'zod';

const text = z.string();
const texts = z.array(text).optional();
const flag = z.boolean().optional();

/** tls_config. */
export const tlsConfig = z.looseObject({
  ca_file: text.optional(),
  cert_file: text.optional(),
  key_file: text.optional(),
  server_name: text.optional(),
  insecure_skip_verify: flag,
  min_version: text.optional(),
  max_version: text.optional(),
});

const ipProtocol = { preferred_ip_protocol: z.enum(['ip4', 'ip6']).optional(), ip_protocol_fallback: flag };

/** An expression for a header. */
export const headerMatch = z.strictObject({ header: text, regexp: text, allow_missing: flag });

/** Settings of the http prober. */
export const httpProber = z.looseObject({
  ...ipProtocol,
  valid_status_codes: z.array(z.number()).optional(),
  valid_http_versions: texts,
  method: text.optional(),
  headers: z.record(text, text).optional(),
  body: text.optional(),
  body_file: text.optional(),
  body_size_limit: z.union([text, z.number()]).optional(),
  compression: text.optional(),
  follow_redirects: flag,
  no_follow_redirects: flag,
  enable_http2: flag,
  fail_if_ssl: flag,
  fail_if_not_ssl: flag,
  fail_if_body_matches_regexp: texts,
  fail_if_body_not_matches_regexp: texts,
  fail_if_header_matches: z.array(headerMatch).optional(),
  fail_if_header_not_matches: z.array(headerMatch).optional(),
  tls_config: tlsConfig.optional(),
  basic_auth: z.looseObject({ username: text.optional(), password_file: text.optional() }).optional(),
  authorization: z.looseObject({ type: text.optional(), credentials_file: text.optional() }).optional(),
  bearer_token_file: text.optional(),
  proxy_url: text.optional(),
  skip_resolve_phase_with_proxy: flag,
});

/** Settings of the tcp prober. */
export const tcpProber = z.looseObject({
  ...ipProtocol,
  query_response: z
    .array(
      z.looseObject({
        expect: text.optional(),
        expect_bytes: text.optional(),
        send: text.optional(),
        starttls: flag,
        labels: z.array(z.strictObject({ name: text, value: text })).optional(),
      }),
    )
    .optional(),
  tls: flag,
  tls_config: tlsConfig.optional(),
});

/** Settings of the icmp prober. */
export const icmpProber = z.looseObject({
  ...ipProtocol,
  dont_fragment: flag,
  payload_size: z.number().optional(),
  ttl: z.number().optional(),
});

/** Expressions for the records of a section. */
export const recordRules = z.looseObject({
  fail_if_matches_regexp: texts,
  fail_if_all_match_regexp: texts,
  fail_if_not_matches_regexp: texts,
  fail_if_none_matches_regexp: texts,
});

/** Settings of the dns prober. */
export const dnsProber = z.looseObject({
  ...ipProtocol,
  query_name: text,
  query_type: text.optional(),
  query_class: text.optional(),
  recursion_desired: flag,
  transport_protocol: text.optional(),
  dns_over_tls: flag,
  tls_config: tlsConfig.optional(),
  valid_rcodes: texts,
  validate_answer_rrs: recordRules.optional(),
  validate_authority_rrs: recordRules.optional(),
  validate_additional_rrs: recordRules.optional(),
});

const module = z.looseObject({
  prober: text,
  timeout: text.optional(),
  http: httpProber.optional(),
  tcp: tcpProber.optional(),
  icmp: icmpProber.optional(),
  dns: dnsProber.optional(),
});
/** A module, checked. */
export type Module = z.output<typeof module>;

/** blackbox.yml. */
export const blackboxConfig = z.looseObject({ modules: z.record(text, module) });

/** Targets with common labels. */
export const targetGroup = z.looseObject({ targets: z.array(text), labels: z.record(text, text).default({}) });

/** A job of Prometheus. */
export const scrapeConfig = z.looseObject({
  job_name: text,
  scrape_interval: text.optional(),
  scrape_timeout: text.optional(),
  params: z.looseObject({ module: texts }).optional(),
  static_configs: z.array(targetGroup).default([]),
});

/** Targets: a list for file_sd, a Prometheus configuration, or targets by module. */
export const targetsFile = z.union([
  z.array(targetGroup),
  z.looseObject({ scrape_configs: z.array(scrapeConfig) }),
  z.record(text, z.array(text)),
]);
