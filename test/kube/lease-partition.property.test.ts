import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, randomFrom } from '../kit/random.ts';
import { Timeline } from '../kit/timeline.ts';
import { LeaseServer, type Network, SimulatedProcess } from './lease-simulation.ts';

const STEPS = 20_000;
const OPTIONS = { namespace: 'monitoring', name: 'ksm', durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };
/** The clocks of two machines differ in speed by far less. */
const SLOWEST = 0.9;
const FASTEST = 1.1;
const DELAY_MS = 20;
/**
 * A leader that lost the API server before the other agent may pause until that one has noticed as well (3.1 s), and has been
 * asked again: after 0.8 s, or 1.5 s later if a request was still without a response. By a slow clock.
 */
const BLINK_MS = (3100 + 800 + 1500) / SLOWEST + 4 * DELAY_MS;

/** SEED=... repeats one run. */
const seeds = process.env.SEED ? [process.env.SEED] : [1, 2, 3, 4, 5].map(() => Math.random().toString(36).slice(2, 8));

type Link = 'api-0' | 'api-1' | '0-1';
const LINKS: readonly Link[] = ['api-0', 'api-1', '0-1'];

/** The API server and two candidates; any two of the three may be partitioned from each other. */
class Parties {
  readonly timeline = new Timeline();
  readonly server = new LeaseServer();
  readonly processes: SimulatedProcess[];
  readonly #cutUntil = new Map<Link, number>();
  readonly #random: Random;
  readonly #withBlows: boolean;

  constructor(random: Random, withBlows: boolean) {
    this.#random = random;
    this.#withBlows = withBlows;
    this.processes = [];
    this.processes.push(this.#newProcess(0), this.#newProcess(1));
    this.#disturb();
  }

  isWhole(link: Link): boolean {
    return this.timeline.now >= (this.#cutUntil.get(link) ?? 0);
  }

  #over(link: Link): ReturnType<Network> {
    return this.isWhole(link) ? this.#random.below(DELAY_MS) : 'lost';
  }

  #newProcess(index: 0 | 1): SimulatedProcess {
    const rate = SLOWEST + this.#random.below(1000) * ((FASTEST - SLOWEST) / 1000);
    const made = new SimulatedProcess(
      this.timeline,
      this.server,
      () => this.#over(`api-${index}`),
      { ...OPTIONS, identity: `state-${index}` },
      rate,
      this.#random,
      {
        at: [0, 1].map((at) => () => this.processes[at] as SimulatedProcess),
        network: (at) => (at === index ? 0 : this.#over('0-1')),
      },
    );
    made.election.start();
    return made;
  }

  #disturb(): void {
    const random = this.#random;
    const until = this.timeline.now + random.below(120_000);
    if (random.chance(0.4)) {
      // Both links of the API server at once: the outage that must not cause a gap.
      this.#cutUntil.set('api-0', until).set('api-1', until);
    } else if (!this.#withBlows || random.chance(0.6)) {
      this.#cutUntil.set(random.pick(LINKS), until);
    } else {
      this.#blow(random.below(2) as 0 | 1, random.below(60_000));
    }
    this.timeline.in(random.below(random.chance(0.4) ? 10_000 : 150_000), () => this.#disturb());
  }

  #blow(index: 0 | 1, forMs: number): void {
    const victim = this.processes[index] as SimulatedProcess;
    if (this.#random.chance(0.5)) {
      victim.kill();
      this.timeline.in(forMs, () => {
        if (victim === this.processes[index]) this.processes[index] = this.#newProcess(index);
      });
    } else {
      victim.stop();
      this.timeline.in(forMs, () => victim.continue());
    }
  }
}

for (const withBlows of [false, true]) {
  const title = withBlows ? 'with processes that are killed and stopped' : 'with partitions alone';
  for (const seed of seeds) {
    test(`API server and two agents, ${title}: never two leaders, and no gap in an outage (SEED=${seed})`, async () => {
      const world = new Parties(randomFrom(seed), withBlows);
      const { timeline, processes } = world;
      const leaders = () => processes.filter(({ isLeader }) => isLeader);
      let leaderSeenAt = 0;
      let outage: { readonly by: SimulatedProcess; readonly since: number } | undefined;
      let survived = 0;
      for (let step = 0; step < STEPS; step++) {
        await timeline.step();
        const { now } = timeline;
        const [leader, second] = leaders();
        assert.equal(second, undefined, `step ${step}: two leaders at ${now} ms`);
        const isOut = !world.isWhole('api-0') && !world.isWhole('api-1');
        const isQuiet = world.isWhole('0-1') && processes.every(({ runs }) => runs);
        if (!isOut || !isQuiet) outage = undefined;
        // It is an outage for all only if both links of the API server fail at once while there is a leader.
        else if (outage === undefined && leader) outage = { by: leader, since: now };
        if (leader) leaderSeenAt = now;
        if (outage === undefined) continue;
        assert.ok(now - leaderSeenAt < BLINK_MS, `step ${step}: no leader for ${now - leaderSeenAt} ms of an outage`);
        if (leader?.election.status.withoutLease && now - outage.since > 2 * OPTIONS.durationMs) survived++;
      }
      assert.ok(survived > 20, 'no outage was longer than the Lease: too few faults to prove anything');
    });
  }
}
