import * as z from 'zod';
import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { pattern } from '../../config/units.ts';
import { DNS_CLASSES, type DnsAnswer, type DnsRecord, isDnsName, recordType } from '../../net/dns-message.ts';
import type { TlsFacts } from '../../net/tls-session.ts';
import { askTcp, askUdp, type DnsConnection } from '../probe/dns-exchange.ts';
import { ProbeFailure } from '../probe/failure.ts';
import { COMMON_FAMILIES, probeGauge, TLS } from '../probe/families.ts';
import { hostPort, hostPortTarget } from '../probe/host-port.ts';
import { probeOptions, tlsOptions } from '../probe/options.ts';
import { type Attempt, type Probing, type Put, probeTargets, resolvedAddress } from '../probe/probe.ts';
import { reportTls, TlsSettings } from '../probe/tls.ts';
import { defineTaskType, type TaskWorld } from '../task-type.ts';

/** Source: blackbox_exporter 0.28, prober/dns.go. */
const DNS = {
  duration: probeGauge('probe_dns_duration_seconds', 'Duration of DNS request by phase', ['phase']),
  answer: probeGauge('probe_dns_answer_rrs', 'Returns number of entries in the answer resource record list'),
  authority: probeGauge('probe_dns_authority_rrs', 'Returns number of entries in the authority resource record list'),
  additional: probeGauge(
    'probe_dns_additional_rrs',
    'Returns number of entries in the additional resource record list',
  ),
  succeeded: probeGauge('probe_dns_query_succeeded', 'Displays whether or not the query was executed successfully'),
  serial: probeGauge('probe_dns_serial', 'Returns the serial number of the zone'),
} as const;

const records = z
  .strictObject({
    match: z.array(pattern()).default([]).describe('Every record must match each of these, and there must be one.'),
    matchAny: z.array(pattern()).default([]).describe('At least one record must match one of these.'),
    notMatch: z.array(pattern()).default([]).describe('No record may match.'),
    notMatchAll: z.array(pattern()).default([]).describe('Not all records may match all of these.'),
  })
  .prefault({})
  .describe('Expressions for records as text: name, TTL, class, type, data, separated by tabs.');
type RecordRules = z.output<typeof records>;

const options = z.strictObject({
  ...probeOptions(hostPortTarget(53)),
  dns: z.strictObject({
    name: z
      .string()
      .refine(isDnsName, 'expected a DNS name')
      .describe('The name to query; the search list is not used.'),
    type: z
      .string()
      .refine((name) => recordType(name) !== undefined, 'expected a record type such as A, SOA or TYPE65')
      .default('ANY')
      .describe('Type of the records to query.'),
    class: z
      .string()
      .refine((name) => DNS_CLASSES.includes(name), `expected one of ${DNS_CLASSES.join(', ')}`)
      .default('IN')
      .describe('Class of the query.'),
    recursion: z.boolean().default(true).describe('Whether to request recursion.'),
    transport: z.enum(['udp', 'tcp', 'tls']).default('udp').describe('tls is DNS over TLS, on port 853.'),
    tls: tlsOptions.prefault({}),
    rcodes: z
      .array(z.string().regex(/^[A-Z]+\d*$/))
      .min(1)
      .default(['NOERROR'])
      .describe('Response codes that count as success.'),
    answer: records,
    authority: records,
    additional: records,
  }),
});
type DnsOptions = z.output<typeof options>['dns'];

class DnsProbing implements Probing {
  readonly host: string;
  readonly #port: number;
  readonly #world: TaskWorld;
  readonly #options: DnsOptions;
  readonly #tls: TlsSettings;
  #connect = 0;
  #request = 0;
  #answer: DnsAnswer | undefined;
  #facts: TlsFacts | undefined;

  constructor(world: TaskWorld, settings: DnsOptions, tls: TlsSettings, target: string) {
    const { host, port } = hostPort(target, usualPort(settings)) ?? { host: '', port: 0 };
    this.host = host;
    this.#port = port;
    this.#world = world;
    this.#options = settings;
    this.#tls = tls;
  }

  async run(attempt: Attempt): Promise<void> {
    const address = resolvedAddress(attempt);
    attempt.enter('connect');
    const startMs = monotonicMs();
    const connection: DnsConnection = {
      address,
      port: this.#port,
      signal: attempt.signal,
      onConnect: () => {
        this.#connect = secondsSince(startMs);
        attempt.reached(this.#connect);
        attempt.enter('exchange');
      },
    };
    try {
      this.#answer = await this.#ask(connection, attempt);
    } finally {
      const seconds = secondsSince(startMs);
      // Without a connection, all of the time counts as connect.
      if (this.#connect === 0) this.#connect = seconds;
      else this.#request = seconds - this.#connect;
    }
    const { rcode, answer, authority, additional } = this.#answer;
    const { rcodes } = this.#options;
    if (!rcodes.includes(rcode))
      throw new ProbeFailure('status', `the response code is ${rcode}, expected ${rcodes.join(', ')}`);
    checkRecords('answer', answer, this.#options.answer);
    checkRecords('authority', authority, this.#options.authority);
    checkRecords('additional', additional, this.#options.additional);
  }

  report(put: Put, _isResolved: boolean, lookupSeconds: number): void {
    put(DNS.duration, lookupSeconds, 'resolve');
    put(DNS.duration, this.#connect, 'connect');
    put(DNS.duration, this.#request, 'request');
    const { answer = [], authority = [], additional = [] } = this.#answer ?? {};
    put(DNS.answer, answer.length);
    put(DNS.authority, authority.length);
    put(DNS.additional, additional.length);
    put(DNS.succeeded, this.#answer ? 1 : 0);
    const serial = answer.findLast(({ type }) => type === 'SOA')?.serial;
    if (this.#answer && this.#options.type === 'SOA') put(DNS.serial, serial ?? 0);
    if (this.#facts) reportTls(put, this.#facts);
  }

  #ask(connection: DnsConnection, attempt: Attempt): Promise<DnsAnswer> {
    const { name, type, class: className, recursion, transport } = this.#options;
    const question = {
      id: Math.floor(Math.random() * 0x10000),
      name,
      type: recordType(type) ?? 0,
      class: className,
      wantsRecursion: recursion,
    };
    if (transport === 'udp') return askUdp(question, connection);
    if (transport === 'tcp') return askTcp(question, connection);
    return askTcp(question, connection, {
      handshake: this.#tls.handshake(this.host),
      onStart: () => attempt.enter('tls'),
      onTls: (facts) => {
        this.#facts = facts;
        this.#tls.check(facts, this.#world.now());
      },
    });
  }
}

const usualPort = ({ transport }: DnsOptions): number => (transport === 'tls' ? 853 : 53);

/** Throws ProbeFailure `body`. */
function checkRecords(section: string, found: readonly DnsRecord[], rules: RecordRules): void {
  const fail = (message: string): never => {
    throw new ProbeFailure('body', `${message} in the ${section} section`);
  };
  if (found.length === 0 && rules.match.length + rules.matchAny.length > 0) fail('there is no record');
  for (const { text } of found) {
    const bad = rules.notMatch.find((one) => one.test(text));
    if (bad) fail(`a record matches ${bad.source}`);
    const unmet = rules.match.find((one) => !one.test(text));
    if (unmet) fail(`a record does not match ${unmet.source}`);
  }
  if (rules.matchAny.length > 0 && !found.some(({ text }) => rules.matchAny.some((one) => one.test(text)))) {
    fail('no record matches any of the expressions');
  }
  const { notMatchAll } = rules;
  if (notMatchAll.length > 0 && found.every(({ text }) => notMatchAll.every((one) => one.test(text)))) {
    fail('all records match');
  }
}

/** The dns prober of blackbox_exporter. */
export const dns = defineTaskType({
  name: 'dns',
  summary:
    'Queries name servers, like the dns prober of blackbox_exporter: response code, numbers of records, rules for records, the serial number of a zone.',
  group: 'probe',
  options,
  families: [...COMMON_FAMILIES, ...Object.values(DNS), ...Object.values(TLS)],
  create(world, { dns: settings, ...choice }) {
    const tls = new TlsSettings(settings.tls);
    return probeTargets(world, choice, (target) => new DnsProbing(world, settings, tls, target));
  },
});
