import type { IncomingHttpHeaders } from 'node:http';
import { type Bound, hostCheck } from '../base/loopback.ts';
import { SecretFile } from '../config/secret-file.ts';
import { refusal, secretCheck, type TokenCheck } from './bearer.ts';
import { type Reply, refuse } from './message.ts';

/** Files with the tokens that callers must send. */
export interface TokenFiles {
  /** For everything except the probes and the page's own files; when unset, reading needs no token. */
  readonly readTokenFile?: string | undefined;
  /** For changes, and also valid for reading; when unset, nothing can be changed. */
  readonly controlTokenFile?: string | undefined;
  /** For pushes of local programs; when unset, these are refused. */
  readonly pushTokenFile?: string | undefined;
}

/** The permission that a request needs: none, read, or change. */
export type Need = 'nothing' | 'read' | 'control' | 'push';

/** Decides on access. Returns the refusal, or undefined if access is granted. */
export type Access = (headers: IncomingHttpHeaders, need: Need) => Promise<Reply | undefined>;

/**
 * The access rules of a server; on a loopback address, those of {@link hostCheck} too. `files` is called each time,
 * because a reload changes it.
 */
export function accessRules(bound: Bound, files: () => TokenFiles, onError: (cause: unknown) => void): Access {
  const foreignHost = hostCheck(bound);
  return async ({ host: header, authorization }, need) => {
    const control = checkOf(files().controlTokenFile);
    const read = checkOf(files().readTokenFile);
    const reader: TokenCheck = async (token) => (await read?.(token)) || ((await control?.(token)) ?? false);
    const foreign = foreignHost(header);
    if (foreign !== undefined) return refuse(421, foreign);
    if (need === 'push') {
      const push = checkOf(files().pushTokenFile);
      if (push) return refusal(authorization, push, onError);
      return refuse(403, 'pushes are disabled here: set localPush.tokenFile to a file with a token to allow them');
    }
    if (need === 'control') {
      if (control) return refusal(authorization, control, onError);
      return refuse(403, 'changes are disabled: set http.controlTokenFile to a file with a token to allow them');
    }
    return need === 'read' && read ? refusal(authorization, reader, onError) : undefined;
  };
}

const checkOf = (path: string | undefined): TokenCheck | undefined =>
  path === undefined ? undefined : secretCheck(new SecretFile(path));
