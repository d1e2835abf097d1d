/**
 * The result of `work`, or a rejection with the message `late` if there is none in time, for work that cannot be aborted:
 * it continues, and its later result is ignored.
 */
export async function within<Value>(milliseconds: number, work: Promise<Value>, late: string): Promise<Value> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(late)), milliseconds);
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** A signal that fires after a time, or with another signal. */
interface Deadline {
  readonly signal: AbortSignal;
  /** The work is done. Without this call the deadline keeps the process alive, and wakes it when it passes. */
  end(): void;
}

/**
 * A deadline for work that ends. Unlike `AbortSignal.timeout`, it leaves no timer running, which would wake an idle process
 * after each piece of work.
 */
export function deadlineIn(milliseconds: number, outer?: AbortSignal): Deadline {
  const timeout = new AbortController();
  const expire = () => timeout.abort(new DOMException(`${milliseconds} ms have passed`, 'TimeoutError'));
  const timer = setTimeout(expire, milliseconds);
  return {
    signal: outer ? AbortSignal.any([outer, timeout.signal]) : timeout.signal,
    end: () => clearTimeout(timer),
  };
}
