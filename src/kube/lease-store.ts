import type { Clock } from '../base/clock.ts';
import { ApiError, type KubeApi, type KubeRequest } from './api.ts';
import { type Candidate, isHeldBy, isLease, type Lease, released } from './lease-record.ts';

/** What is needed to release a Lease. */
interface Releasing extends Pick<Clock, 'wallMs'> {
  readonly prepare: (lease: Lease) => Lease;
  readonly patienceMs: number;
}

/** Without an explicit reason, each abort would create an error with a stack. */
const ANSWERED = 'answered';

/** No response within the patience of a call. */
export class LateResponse extends Error {
  override readonly name = 'LateResponse';
  readonly patienceMs: number;

  constructor(patienceMs: number) {
    super('timed out waiting for the API server');
    this.patienceMs = patienceMs;
  }
}

/** One Lease on the API server. All calls reject after `patienceMs`, and when the response is not a Lease. */
export class LeaseStore {
  readonly #api: Pick<KubeApi, 'json'>;
  readonly #sleep: Clock['sleep'];
  readonly #collection: string;
  readonly #path: string;
  #mayWrite: boolean = false;

  constructor(api: Pick<KubeApi, 'json'>, sleep: Clock['sleep'], namespace: string, name: string) {
    this.#api = api;
    this.#sleep = sleep;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
    this.#path = `${this.#collection}/${encodeURIComponent(name)}`;
  }

  /** The Lease; undefined when it does not exist. */
  async get(patienceMs: number): Promise<Lease | undefined> {
    try {
      return await this.#call({ path: this.#path }, patienceMs);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Writes a Lease with optimistic locking: only if it has not changed since it was read. Resolves to the stored Lease.
   */
  async put(body: Lease, patienceMs: number): Promise<Lease> {
    const isNew = body.metadata?.resourceVersion === undefined;
    const target = isNew
      ? ({ method: 'POST', path: this.#collection } as const)
      : ({ method: 'PUT', path: this.#path } as const);
    const stored = await this.#call({ ...target, body }, patienceMs);
    this.#mayWrite = true;
    return stored;
  }

  /** Whether this process has written the Lease once, or the API server has accepted a dry run. */
  get mayWrite(): boolean {
    return this.#mayWrite;
  }

  /**
   * Finds out whether this process may write the Lease, without changing it, unless that is known. Rejects if it may not;
   * without a Lease there is nothing to try.
   */
  async tryOut(known: Lease | undefined, patienceMs: number): Promise<void> {
    if (this.#mayWrite || known === undefined) return;
    try {
      await this.#call({ method: 'PUT', path: this.#path, query: { dryRun: 'All' }, body: known }, patienceMs);
    } catch (error) {
      // The API server compares records only for those that may write them.
      if (!isConflict(error)) throw error;
    }
    this.#mayWrite = true;
  }

  /**
   * Releases the Lease if `candidate` holds it; `prepare` adds what the next holder needs to the record. `known` is the
   * record as last seen. Returns whether there was something to release.
   */
  async release(
    known: Lease | undefined,
    candidate: Candidate,
    { prepare, wallMs, patienceMs }: Releasing,
  ): Promise<boolean> {
    const free = async (lease: Lease | undefined) => {
      if (!lease || !isHeldBy(lease, candidate)) return false;
      await this.put(released(prepare(lease), wallMs()), patienceMs);
      return true;
    };
    try {
      return await free(known);
    } catch (error) {
      if (!isConflict(error)) throw error;
      return free(await this.get(patienceMs));
    }
  }

  async #call(request: Omit<KubeRequest, 'signal'>, patienceMs: number): Promise<Lease> {
    const late = new AbortController();
    const answered = new AbortController();
    const deadline = this.#sleep(patienceMs, answered.signal).then(() => {
      const error = new LateResponse(patienceMs);
      late.abort(error);
      throw error;
    });
    // Also rejects, unhandled, once the response has arrived.
    deadline.catch(() => {});
    try {
      const lease = await Promise.race([this.#api.json<Lease | null>({ ...request, signal: late.signal }), deadline]);
      if (!isLease(lease)) throw new Error(`${request.path}: the response is not a Lease`);
      return lease;
    } finally {
      answered.abort(ANSWERED);
    }
  }
}

/** Whether another writer was faster: the Lease already exists, or has changed since it was read. */
export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.status === 409;

/** Whether the Lease does not exist. */
export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.status === 404;
