// The agent's API. The bearer token lives in this module's memory only: never in storage, never in a URL.
/** @import { ErrorView } from '../status-view.ts' */

const DEADLINE_MS = 15_000;

let token = '';
/** @type {(why: string) => Promise<string | undefined>} */
let askToken = async () => undefined;

/** A failed request: its path and the reason. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 without a response
   * @param {unknown} [body]
   */
  constructor(message, status, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/**
 * Sets the function that asks for the token; `why` is shown to the user. It returns undefined if the user declines.
 * @param {(why: string) => Promise<string | undefined>} ask
 */
export function onTokenNeeded(ask) {
  askToken = ask;
}

/**
 * The JSON of a GET.
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, signal) {
  const response = await request(path, { method: 'GET' }, deadline(signal));
  return response.json();
}

/**
 * The JSON response of a POST; asks for the token first if there is none.
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export const post = (path, body) => change('POST', path, body ?? {});

/**
 * The same for any method.
 * @param {'POST' | 'PUT' | 'DELETE'} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function change(method, path, body) {
  if (token === '' && !(await obtainToken('Changes need the token of this agent.'))) {
    throw new ApiError('Nothing was changed: no token was given.', 0);
  }
  const init = {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  };
  const response = await request(path, init, undefined);
  return response.json();
}

/**
 * The body of a stream that runs until `signal`.
 * @param {string} path
 * @param {AbortSignal} signal
 */
export async function stream(path, signal) {
  const { body } = await request(path, { method: 'GET' }, signal);
  if (body === null) throw new ApiError(`${path} returned nothing`, 0);
  return body;
}

/** @param {AbortSignal | undefined} signal */
const deadline = (signal) => {
  const timeout = AbortSignal.timeout(DEADLINE_MS);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
};

/**
 * Retries with another token as long as it is refused and the user enters one.
 * @param {string} path
 * @param {RequestInit} init
 * @param {AbortSignal | undefined} signal undefined: each attempt has its own deadline
 * @returns {Promise<Response>}
 */
async function request(path, init, signal) {
  const response = await send(path, init, signal ?? deadline(undefined));
  if (response.ok) return response;
  const body = await readError(response);
  if (response.status === 401) {
    const why = token === '' ? 'This agent requires a token.' : 'That token was not accepted.';
    token = '';
    if (await obtainToken(why)) return request(path, init, signal);
  }
  throw new ApiError(body?.error ?? `${path} returned ${response.status}`, response.status, body);
}

/** @param {string} path @param {RequestInit} init @param {AbortSignal} signal */
async function send(path, init, signal) {
  const headers = new Headers(init.headers);
  if (token !== '') headers.set('authorization', `Bearer ${token}`);
  try {
    return await fetch(path, { ...init, headers, signal, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (cause) {
    if (signal.reason?.name === 'TimeoutError') {
      throw new ApiError(`The agent did not respond within ${DEADLINE_MS / 1000} s.`, 0);
    }
    if (signal.aborted) throw cause;
    throw new ApiError('The agent does not respond.', 0);
  }
}

/** @param {Response} response @returns {Promise<(ErrorView & Record<string, unknown>) | undefined>} */
async function readError(response) {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

/** @param {string} why */
async function obtainToken(why) {
  token = (await askToken(why)) ?? '';
  return token !== '';
}
