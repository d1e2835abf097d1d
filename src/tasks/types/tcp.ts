import * as z from 'zod';
import { monotonicMs, secondsSince } from '../../base/clock.ts';
import type { Family } from '../../metrics/family.ts';
import { dial } from '../../net/dial.ts';
import { startTls } from '../../net/tls-session.ts';
import { COMMON_FAMILIES, FAILED_DUE_TO_REGEX, probeGauge, TLS } from '../probe/families.ts';
import { hostPort, hostPortTarget } from '../probe/host-port.ts';
import { probeOptions, tlsOptions } from '../probe/options.ts';
import { type Attempt, type Probing, type Put, probeTargets, resolvedAddress } from '../probe/probe.ts';
import { converse, type DialogueFacts, dialogueStep } from '../probe/tcp-dialogue.ts';
import { reportTls, TlsSettings } from '../probe/tls.ts';
import { defineTaskType, type TaskWorld } from '../task-type.ts';

const failedDueToBytes = probeGauge(
  'probe_failed_due_to_bytes',
  'Indicates if probe failed due to bytes that were not as expected; only with expectBytes',
);
/** Its labels are defined in the configuration. */
const EXPECT_INFO = 'probe_expect_info';
const expectInfo = (labels: readonly string[]): Family =>
  probeGauge(EXPECT_INFO, 'Explicit content matched; its labels are those of the dialogue', labels);

const options = z.strictObject({
  ...probeOptions(hostPortTarget()),
  tcp: z
    .strictObject({
      dialogue: z.array(dialogueStep).max(100).default([]).describe('The dialogue after connecting, step by step.'),
      tls: tlsOptions
        .optional()
        .describe('Use TLS: from the beginning, or from the step of the dialogue that has startTls.'),
    })
    .prefault({}),
});
type TcpOptions = z.output<typeof options>['tcp'];

class TcpProbing implements Probing {
  readonly host: string;
  readonly #port: number;
  readonly #world: TaskWorld;
  readonly #options: TcpOptions;
  readonly #tls: TlsSettings;
  readonly #facts: DialogueFacts = { failedByRegex: false, failedByBytes: false, labels: [], tls: undefined };

  constructor(world: TaskWorld, settings: TcpOptions, tls: TlsSettings, target: string) {
    const { host, port } = hostPort(target) ?? { host: '', port: 0 };
    this.host = host;
    this.#port = port;
    this.#world = world;
    this.#options = settings;
    this.#tls = tls;
  }

  async run(attempt: Attempt): Promise<void> {
    const address = resolvedAddress(attempt);
    const { dialogue, tls } = this.#options;
    const { now } = this.#world;
    const { signal } = attempt;
    attempt.enter('connect');
    const before = monotonicMs();
    let socket = await dial(address, this.#port, signal);
    try {
      attempt.reached(secondsSince(before));
      if (tls && !dialogue.some(({ startTls: upgrades }) => upgrades)) {
        attempt.enter('tls');
        const secure = await startTls(socket, this.#tls.handshake(this.host), signal);
        socket = secure.socket;
        this.#facts.tls = secure.facts;
        this.#tls.check(secure.facts, now());
      }
      attempt.enter('exchange');
      socket = await converse(socket, dialogue, { settings: this.#tls, host: this.host, now }, this.#facts, attempt);
    } finally {
      socket.destroy();
    }
  }

  report(put: Put): void {
    const { failedByRegex, failedByBytes, labels, tls } = this.#facts;
    put(FAILED_DUE_TO_REGEX, failedByRegex ? 1 : 0);
    if (this.#options.dialogue.some((step) => step.expectBytes !== undefined))
      put(failedDueToBytes, failedByBytes ? 1 : 0);
    const all = new Map(labels.flat());
    if (all.size > 0) put(expectInfo([...all.keys()]), 1, ...all.values());
    if (tls) reportTls(put, tls);
  }
}

/** The tcp prober of blackbox_exporter. */
export const tcp = defineTaskType({
  name: 'tcp',
  summary:
    'Connects to TCP ports, like the tcp prober of blackbox_exporter; optionally with TLS and a dialogue of lines. probe_expect_info has the labels that the dialogue defines.',
  group: 'probe',
  options,
  families: [...COMMON_FAMILIES, FAILED_DUE_TO_REGEX, failedDueToBytes, expectInfo([]), ...Object.values(TLS)],
  create(world, { tcp: settings, ...choice }) {
    const tls = new TlsSettings(settings.tls ?? tlsOptions.parse({}));
    return probeTargets(world, choice, (target) => new TcpProbing(world, settings, tls, target));
  },
});
