import type { ThrottledLog } from '../../base/log.ts';
import type { Target } from '../../config/identity.ts';
import { type Group, isInline } from '../../metrics/group.ts';
import type { Sender, Upload } from '../http/sender.ts';
import type { Protocol } from './protocol.ts';
import { TargetsPushed } from './targets-pushed.ts';

/** For deleting all gateway groups of this agent, concurrently, at shutdown. */
const DELETE_MS = 2000;

interface PushedGroupsOptions {
  /** Its name. */
  readonly exporter: string;
  readonly protocol: Protocol;
  readonly targets: Readonly<Record<Group, Target>>;
  /** The address in use. */
  readonly address: () => string;
  readonly sender: Pick<Sender, 'send'>;
  readonly log: ThrottledLog;
}

/** What this agent has pushed to a receiver that keeps it forever, such as a Pushgateway, and its deletion there. */
export class PushedGroups {
  readonly #options: PushedGroupsOptions;
  /** Those with one target. */
  readonly #groups = new Set<Group>();
  /** The targets of groups whose lines carry their own identity. */
  readonly #byLine = new TargetsPushed();

  constructor(options: PushedGroupsOptions) {
    this.#options = options;
  }

  /** Records a push of a group. */
  add(group: Group): void {
    if (!isInline(group)) this.#groups.add(group);
  }

  /** Records the targets in a batch with timestamp `stampMs`. Returns those that have vanished by then. */
  update(group: Group, targets: readonly Target[], stampMs: number): Target[] {
    return this.#byLine.update(group, targets, stampMs);
  }

  /** Deletes what this agent has pushed, except the cluster's state, which the next leader continues. */
  async deleteAll(): Promise<void> {
    const { targets } = this.#options;
    const groups = [...this.#groups].filter((group) => group !== 'ksm' && group !== 'event');
    const own = groups.map((group) => this.delete(group, [targets[group]]));
    await Promise.all([...own, ...this.#byLine.all.map(([group, gone]) => this.delete(group, gone))]);
  }

  /** Deletes the gateway groups of these targets, at receivers that support it. */
  async delete(group: Group, targets: readonly Target[]): Promise<void> {
    const { exporter, protocol, address, sender, log } = this.#options;
    const { deleteMethod: method } = protocol;
    if (method === undefined) return;
    const signal = AbortSignal.timeout(DELETE_MS);
    for (const target of targets) {
      const url = protocol.url(address(), target, 0);
      const upload: Upload = { method, url, compression: 'none', members: [], timeoutMs: DELETE_MS };
      const { code, text } = await sender.send(upload, signal);
      if (typeof code === 'number' && code < 300) continue;
      const fields = { exporter, group, url, code, response: text };
      const message = 'failed to delete a gateway group of this agent: its last values stay there';
      log.write('warn', `${exporter}/${group}/delete`, fields, message);
    }
  }
}
