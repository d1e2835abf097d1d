import { createHash, timingSafeEqual } from 'node:crypto';
import { type Reply, refuse } from './message.ts';

/** Whether a bearer token is accepted. Throws or rejects if it cannot be checked. */
export type TokenCheck = (token: string) => boolean | Promise<boolean>;

const BEARER = /^Bearer ([\x21-\x7e]{1,8192})$/i;

/** The check against one secret, which is read each time because secret files are rotated. */
export function secretCheck(secret: { read(): string }): TokenCheck {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return (token) => timingSafeEqual(digest(token), digest(secret.read()));
}

/**
 * The refusal for an Authorization header; undefined if it is accepted. `onError` gets the reason why a token could not
 * be checked; the client does not.
 */
export async function refusal(
  header: string | undefined,
  check: TokenCheck,
  onError: (cause: unknown) => void,
): Promise<Reply | undefined> {
  const denied = refuse(401, 'a valid bearer token is required', { 'www-authenticate': 'Bearer' });
  const token = BEARER.exec(header ?? '')?.[1];
  if (token === undefined) return denied;
  try {
    return (await check(token)) ? undefined : denied;
  } catch (cause) {
    onError(cause);
    return refuse(503, 'the token cannot be checked now', { 'retry-after': '5' });
  }
}
