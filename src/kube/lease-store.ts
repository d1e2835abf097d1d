import { ApiError, type KubeApi, type KubeRequest } from './api.ts';
import { isLease, type Lease } from './lease-record.ts';

/** Waits for `ms`; resolves at once when `signal` fires. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** One Lease on the API server. Everything rejects after `patienceMs`, and when the answer is no Lease. */
export class LeaseStore {
  readonly #api: Pick<KubeApi, 'json'>;
  readonly #sleep: Sleep;
  readonly #collection: string;
  readonly #path: string;

  constructor(api: Pick<KubeApi, 'json'>, sleep: Sleep, namespace: string, name: string) {
    this.#api = api;
    this.#sleep = sleep;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
    this.#path = `${this.#collection}/${encodeURIComponent(name)}`;
  }

  /** The Lease; undefined when there is none. */
  async get(patienceMs: number): Promise<Lease | undefined> {
    try {
      return await this.#call({ path: this.#path }, patienceMs);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Writes a Lease, with optimistic locking: only if it is still as it was read. Resolves to it as stored. */
  put(body: Lease, patienceMs: number): Promise<Lease> {
    const isNew = body.metadata?.resourceVersion === undefined;
    const target = isNew
      ? ({ method: 'POST', path: this.#collection } as const)
      : ({ method: 'PUT', path: this.#path } as const);
    return this.#call({ ...target, body }, patienceMs);
  }

  async #call(request: Omit<KubeRequest, 'signal'>, patienceMs: number): Promise<Lease> {
    const late = new AbortController();
    const answered = new AbortController();
    const deadline = this.#sleep(patienceMs, answered.signal).then(() => {
      const error = new Error('the API server gave no answer in time');
      late.abort(error);
      throw error;
    });
    // Also rejects, with nobody listening, when the answer has come.
    deadline.catch(() => {});
    try {
      const lease = await Promise.race([this.#api.json<Lease | null>({ ...request, signal: late.signal }), deadline]);
      if (!isLease(lease)) throw new Error(`${request.path}: the answer is no Lease`);
      return lease;
    } finally {
      answered.abort();
    }
  }
}

/** Whether another writer was faster: the Lease exists already, or is not as it was read. */
export const isConflict = (error: unknown): boolean => error instanceof ApiError && error.status === 409;

/** Whether there is no such Lease. */
export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.status === 404;
