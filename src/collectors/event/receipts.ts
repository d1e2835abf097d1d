/** Maximum number of remembered pushes while no receiver settles them. */
const MAX_MARKS = 1000;

/**
 * Tracks which pushes of one group the receivers have settled. A push counts as delivered once every receiver has
 * settled it that also settled the push before: one that is down does not hold up the others.
 */
export class Receipts<Mark> {
  readonly #onDelivered: (mark: Mark) => void;
  /** Marks of pushes by number, of the newest only. */
  readonly #marks = new Map<number, Mark>();
  /** By receiver, the newest push that it has settled. */
  readonly #settled = new Map<string, number>();
  #pushes = 0;
  #delivered = 0;

  /** `onDelivered` is called for each push that has been delivered, except those that a newer one includes. */
  constructor(onDelivered: (mark: Mark) => void) {
    this.#onDelivered = onDelivered;
  }

  /** Registers a push. The returned function is called with each receiver that has settled it. */
  begin(receivers: readonly string[], mark: Mark): (receiver: string) => void {
    const push = ++this.#pushes;
    this.#marks.set(push, mark);
    this.#marks.delete(push - MAX_MARKS);
    if (receivers.length === 0) this.#deliver(push);
    return (receiver) => {
      this.#settled.set(receiver, Math.max(push, this.#settled.get(receiver) ?? 0));
      const pushes = receivers.map((name) => this.#settled.get(name) ?? 0);
      const newest = Math.max(...pushes);
      this.#deliver(Math.min(...pushes.filter((one) => one >= newest - 1)));
    };
  }

  #deliver(push: number): void {
    const mark = this.#marks.get(push);
    if (push <= this.#delivered || mark === undefined) return;
    this.#delivered = push;
    for (const older of this.#marks.keys()) if (older <= push) this.#marks.delete(older);
    this.#onDelivered(mark);
  }
}
