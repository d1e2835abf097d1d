import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeaseOptions } from '../../src/kube/lease-options.ts';
import type { Lease } from '../../src/kube/lease-record.ts';
import { type Random, randomFrom } from '../kit/random.ts';
import { Timeline } from '../kit/timeline.ts';
import { LeaseServer, SimulatedProcess } from './lease-simulation.ts';

const STEPS = 10_000;
const OPTIONS = { namespace: 'monitoring', name: 'ksm', durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };
/** The clocks of two machines differ in speed by far less. */
const SLOWEST = 0.9;
const FASTEST = 1.1;
/** A message without faults. */
const CALM_MS = 20;

/** SEED=... repeats one run. */
const seeds = process.env.SEED ? [process.env.SEED] : [1, 2, 3, 4, 5].map(() => Math.random().toString(36).slice(2, 8));

/** Three candidates with random faults. */
class World {
  readonly timeline = new Timeline();
  readonly server = new LeaseServer();
  readonly processes: SimulatedProcess[];
  readonly #random: Random;
  #weather: 'calm' | 'storm' = 'calm';
  /** Until when each process has no network. */
  readonly #cutUntil: number[] = [];
  /** When the last fault that may delay an election ends. */
  disturbedUntil = 0;
  /** When the record of a holder was last removed manually. */
  erasedAt = Number.NEGATIVE_INFINITY;

  constructor(random: Random, withEdits: boolean) {
    this.#random = random;
    this.processes = [0, 1, 2].map((index) => this.#newProcess(index));
    this.#disturb(withEdits);
    this.#changeWeather();
  }

  /** All processes with one name: the worst case. */
  #newProcess(index: number): SimulatedProcess {
    const options: LeaseOptions = { ...OPTIONS, identity: index < 2 ? 'twin' : 'other' };
    const rate = SLOWEST + this.#random.below(1000) * ((FASTEST - SLOWEST) / 1000);
    const made = new SimulatedProcess(
      this.timeline,
      this.server,
      () => this.#network(index),
      options,
      rate,
      this.#random,
    );
    made.election.start();
    return made;
  }

  #network(index: number): number | 'lost' {
    const { now } = this.timeline;
    const cut = now < (this.#cutUntil[index] ?? 0);
    if (!cut && this.#weather === 'calm') return this.#random.below(CALM_MS);
    const lost = cut || this.#random.chance(0.2);
    const delay = this.#random.below(this.#random.chance(0.1) ? 20_000 : 500);
    // The timeout of a request is half the renew deadline.
    const patience = OPTIONS.renewDeadlineMs / 2 / SLOWEST;
    this.#until(now + (lost ? patience : Math.max(delay, patience)));
    return lost ? 'lost' : delay;
  }

  #until(time: number): void {
    this.disturbedUntil = Math.max(this.disturbedUntil, time);
  }

  #changeWeather(): void {
    this.#weather = this.#weather === 'calm' ? 'storm' : 'calm';
    this.timeline.in(20_000 + this.#random.below(100_000), () => this.#changeWeather());
  }

  /** Random faults of a process, mostly of the leader, or of the Lease. */
  #disturb(withEdits: boolean): void {
    const random = this.#random;
    const leader = this.processes.findIndex(({ isLeader }) => isLeader);
    const index = leader >= 0 && random.chance(0.6) ? leader : random.below(3);
    const victim = this.processes[index] as SimulatedProcess;
    const pauseMs = random.below(60_000);
    // The wait of another candidate may start again if this one fails while that one waits for the Lease to expire.
    if (leader < 0) this.#until(this.timeline.now);
    const blow = random.below(withEdits ? 4 : 3);
    if (blow === 0) {
      victim.kill();
      this.timeline.in(pauseMs, () => {
        if (victim === this.processes[index]) this.processes[index] = this.#newProcess(index);
      });
    } else if (blow === 1) {
      victim.stop();
      this.timeline.in(pauseMs, () => victim.continue());
    } else if (blow === 2) {
      this.#cutUntil[index] = this.timeline.now + pauseMs;
    } else {
      this.#edit();
    }
    victim.wallShift = (random.below(3) - 1) * 3_600_000;
    this.timeline.in(random.below(random.chance(0.3) ? 5000 : 100_000), () => this.#disturb(withEdits));
  }

  #edit(): void {
    const random = this.#random;
    const set = (spec: Lease['spec']) => (lease: Lease) => ({ ...lease, spec: { ...lease.spec, ...spec } });
    const edits: ((lease: Lease) => Lease | undefined)[] = [
      set({ holderIdentity: random.pick(['twin', 'other', 'stranger']) }),
      set({ holderIdentity: '' }),
      set({ holderIdentity: null, renewTime: null, leaseDurationSeconds: null, leaseTransitions: null }),
      set({ leaseDurationSeconds: random.pick([-5, 0, 1, 15]), leaseTransitions: random.pick([-1, 2 ** 31 - 1]) }),
      (lease) => ({ ...lease, metadata: { ...lease.metadata, annotations: { note: 'mine' } } }),
      (lease) => ({ ...lease, metadata: { ...lease.metadata, annotations: {} }, spec: {} }),
      () => undefined,
    ];
    this.server.edit(random.pick(edits));
    this.erasedAt = this.timeline.now;
    this.#until(this.timeline.now);
  }
}

for (const withEdits of [false, true]) {
  const title = withEdits
    ? 'manual edits of the Lease lead to two leaders for no longer than the fencing bound'
    : 'there is never a second leader, and soon one when there are no faults';
  for (const seed of seeds) {
    test(`${title} (${STEPS} steps, SEED=${seed})`, async () => {
      const world = new World(randomFrom(seed), withEdits);
      let leaderSeenAt = 0;
      let terms = 0;
      for (let step = 0; step < STEPS; step++) {
        const deserted = !world.processes.some(({ runs }) => runs);
        await world.timeline.step();
        const { now } = world.timeline;
        if (deserted) world.disturbedUntil = Math.max(now, world.disturbedUntil);
        const leaders = world.processes.filter(({ isLeader }) => isLeader).length;
        const excused = now - world.erasedAt < OPTIONS.renewDeadlineMs / SLOWEST;
        assert.ok(leaders <= 1 || excused, `step ${step}: ${leaders} leaders at ${now} ms`);
        if (leaders > 0) {
          if (leaderSeenAt < now - 5000) terms++;
          leaderSeenAt = now;
        }
        const free = now - Math.max(leaderSeenAt, world.disturbedUntil);
        const bound = (OPTIONS.durationMs + OPTIONS.retryMs) / SLOWEST + 4 * CALM_MS;
        assert.ok(free <= bound, `step ${step}: no leader for ${free} ms at ${now} ms`);
      }
      assert.ok(terms >= 5, `only ${terms} handovers: too few faults to prove anything`);
    });
  }
}
