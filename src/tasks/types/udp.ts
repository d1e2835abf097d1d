import { createSocket, type Socket } from 'node:dgram';
import * as z from 'zod';
import { monotonicMs, secondsSince } from '../../base/clock.ts';
import { duration, pattern } from '../../config/units.ts';
import { ProbeFailure } from '../probe/failure.ts';
import { COMMON_FAMILIES, FAILED_DUE_TO_REGEX, probeGauge } from '../probe/families.ts';
import { hostPort, hostPortTarget } from '../probe/host-port.ts';
import { probeOptions } from '../probe/options.ts';
import { type Attempt, type Probing, type Put, probeTargets, probeTimeoutMs, resolvedAddress } from '../probe/probe.ts';
import { defineTaskType, type TaskWorld } from '../task-type.ts';

const phaseSeconds = probeGauge('probe_udp_duration_seconds', 'Duration of the UDP exchange by phase', ['phase']);

const options = z.strictObject({
  ...probeOptions(hostPortTarget()),
  udp: z
    .strictObject({
      send: z.string().max(1400).default('').describe('The text of the datagram.'),
      sendHex: z
        .string()
        .regex(/^(?:[0-9a-fA-F]{2}){1,1400}$/, 'expected bytes in hex, such as 1b00ff')
        .optional()
        .describe('The datagram in hex, in place of send.'),
      times: z.int().min(1).max(10).default(3).describe('How often it is sent while there is no response.'),
      expect: pattern()
        .optional()
        .describe(
          'Expression that the response must match. Without it, no response is a success, as many UDP services do not reply.',
        ),
      answers: z.boolean().default(false).describe('Whether any response is expected even though expect is not set.'),
      wait: duration(10, 60_000)
        .prefault('500ms')
        .describe('How long to wait after the last datagram for an ICMP error, when no response is expected.'),
    })
    .prefault({}),
});
type UdpOptions = z.output<typeof options>['udp'];

class UdpProbing implements Probing {
  readonly host: string;
  readonly #port: number;
  readonly #world: TaskWorld;
  readonly #options: UdpOptions;
  #rtt = 0;
  #failedBy: 'regex' | undefined;

  constructor(world: TaskWorld, settings: UdpOptions, target: string) {
    const { host, port } = hostPort(target) ?? { host: '', port: 0 };
    this.host = host;
    this.#port = port;
    this.#world = world;
    this.#options = settings;
  }

  async run(attempt: Attempt): Promise<void> {
    const { signal } = attempt;
    const address = resolvedAddress(attempt);
    const { expect, answers } = this.#options;
    attempt.enter('exchange');
    const socket = createSocket(address.family === 6 ? 'udp6' : 'udp4');
    try {
      const answer = await this.#exchange(socket, address.address, signal);
      attempt.reached(this.#rtt);
      if (answer === undefined) {
        if (expect || answers) throw new ProbeFailure('timeout', `no response to ${this.#options.times} datagrams`);
        return;
      }
      if (expect === undefined || expect.test(answer.toString('utf8'))) return;
      this.#failedBy = 'regex';
      throw new ProbeFailure('body', `the response does not match ${expect.source}`);
    } finally {
      socket.close();
    }
  }

  report(put: Put, _isResolved: boolean, lookupSeconds: number): void {
    put(phaseSeconds, lookupSeconds, 'resolve');
    put(phaseSeconds, this.#rtt, 'rtt');
    put(FAILED_DUE_TO_REGEX, this.#failedBy === 'regex' ? 1 : 0);
  }

  /** The response; undefined if there was none. A closed port is an error of a connected socket. */
  #exchange(socket: Socket, address: string, signal: AbortSignal): Promise<Buffer | undefined> {
    const { send, sendHex, times, expect, answers, wait } = this.#options;
    const datagram = sendHex === undefined ? Buffer.from(send) : Buffer.from(sendHex, 'hex');
    const isSilenceGood = !expect && !answers;
    // The remaining timeout is divided between the datagrams; the last one also needs time for a response.
    const everyMs =
      (isSilenceGood ? Math.min(wait, probeTimeoutMs(this.#world) / 2) : probeTimeoutMs(this.#world)) / (times + 1);
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      let sent = 0;
      let sentAtMs = monotonicMs();
      const end = (cause: unknown, answer?: Buffer) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        socket.removeAllListeners('message');
        if (cause !== undefined) reject(cause);
        else resolve(answer);
      };
      const abort = () => end(isSilenceGood && sent > 0 ? undefined : signal.reason);
      const next = () => {
        if (sent === times) return isSilenceGood ? end(undefined) : undefined;
        sent++;
        sentAtMs = monotonicMs();
        socket.send(datagram);
        const waitMs = sent === times && isSilenceGood ? wait : everyMs;
        timer = setTimeout(next, waitMs);
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      socket.on('error', end);
      socket.once('message', (answer) => {
        this.#rtt = secondsSince(sentAtMs);
        end(undefined, answer);
      });
      socket.connect(this.#port, address, (cause?: Error) => (cause ? end(cause) : next()));
    });
  }
}

/** Sends datagrams to a UDP service. */
export const udp = defineTaskType({
  name: 'udp',
  summary:
    'Sends a datagram to UDP ports, and resends it while there is no response. A closed port fails immediately; no response fails only where one is expected.',
  group: 'probe',
  options,
  families: [...COMMON_FAMILIES, phaseSeconds, FAILED_DUE_TO_REGEX],
  create(world, { udp: settings, ...choice }) {
    return probeTargets(world, choice, (target) => new UdpProbing(world, settings, target));
  },
});
