import type { Endpoints } from './endpoints.ts';

/**
 * Waits for the last work of an exporter that is closing. Uploads that are still running after `deadlineMs` are aborted
 * through `cut`, and those that wait for permission are refused.
 */
export async function endWithin(
  deadlineMs: number,
  cut: AbortController,
  endpoints: Pick<Endpoints, 'wake'>,
  work: Promise<unknown> | undefined,
): Promise<void> {
  const timer = setTimeout(() => {
    cut.abort();
    endpoints.wake();
  }, deadlineMs);
  try {
    await work;
  } finally {
    clearTimeout(timer);
  }
}
