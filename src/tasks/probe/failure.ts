import { errorCode, errorText } from '../../base/error-text.ts';

/** Why a probe failed: the label `reason` of firesteel_probe_up. The list is closed, so that alerts can group by it. */
const REASONS = [
  'ok',
  'resolve',
  'denied',
  'connect_refused',
  'connect_timeout',
  'unreachable',
  'tls',
  'certificate',
  'timeout',
  'status',
  'redirect',
  'header',
  'body',
  'version',
  'slow',
  'read',
  'internal',
] as const;
export type Reason = (typeof REASONS)[number];

/** A check of a probe failed. The message states what was expected and what was received. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure';
  readonly reason: Exclude<Reason, 'ok'>;

  constructor(reason: Exclude<Reason, 'ok'>, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** This process cannot run such probes at all, which is not a result of a target. The message says what to do. */
export class ProbeImpossible extends Error {
  override readonly name = 'ProbeImpossible';
}

/** The stage of a probe; the meaning of an error depends on it. */
export type Stage = 'resolve' | 'connect' | 'tls' | 'exchange';

/** Socket errors with the same meaning in every stage. */
const BY_CODE: Readonly<Record<string, Exclude<Reason, 'ok'>>> = {
  ECONNREFUSED: 'connect_refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EINVAL: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  ENOTFOUND: 'resolve',
  EAI_AGAIN: 'resolve',
  ETIMEDOUT: 'connect_timeout',
};

const BY_STAGE: Readonly<Record<Stage, Exclude<Reason, 'ok'>>> = {
  resolve: 'resolve',
  connect: 'unreachable',
  tls: 'tls',
  exchange: 'read',
};

/** Errors of this program, not of the peer. */
const isOwnFault = (cause: unknown): boolean =>
  cause instanceof TypeError ||
  cause instanceof ReferenceError ||
  (cause instanceof Error && /^BUG/.test(cause.message));

/**
 * Converts `cause`, which occurred in `stage`, to a failure of the probe; `timeoutMs` is the applied limit. Rethrows
 * ProbeImpossible.
 */
export function failureOf(cause: unknown, stage: Stage, signal: AbortSignal, timeoutMs: number): ProbeFailure {
  if (cause instanceof ProbeFailure) return cause;
  if (cause instanceof ProbeImpossible) throw cause;
  if (signal.aborted) {
    const limit = `${timeoutMs / 1000} s`;
    if (stage === 'resolve') return new ProbeFailure('resolve', `no response from the name servers within ${limit}`);
    if (stage === 'connect') return new ProbeFailure('connect_timeout', `no connection within ${limit}`);
    const what = stage === 'tls' ? 'the TLS handshake did not complete' : 'the exchange did not complete';
    return new ProbeFailure('timeout', `${what} within ${limit}`);
  }
  // A peer that closes immediately may do so before the connection is reported as established.
  const isBroken = (code: string) => code === 'ECONNRESET' || code === 'EPIPE';
  const [code, message] = [errorCode(cause) ?? '', errorText(cause)];
  if (isOwnFault(cause) && code === '') return new ProbeFailure('internal', message, { cause });
  if (isBroken(code)) return new ProbeFailure(stage === 'tls' ? 'tls' : 'read', message, { cause });
  const reason = stage === 'exchange' && code === 'ETIMEDOUT' ? 'timeout' : (BY_CODE[code] ?? BY_STAGE[stage]);
  return new ProbeFailure(reason, message, { cause });
}
