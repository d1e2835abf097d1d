import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';

interface Session {
  trap(type: number | string, varbinds: readonly object[], options: object, done: (cause: unknown) => void): void;
  inform(type: number | string, varbinds: readonly object[], options: object, done: (cause: unknown) => void): void;
  close(): void;
}

/** The sending half of net-snmp, which the agent does not use. */
interface Sender {
  createSession(target: string, community: string, options: object): Session;
  createV3Session(target: string, user: object, options: object): Session;
  readonly ObjectType: Readonly<Record<string, number>>;
  readonly SecurityLevel: Readonly<Record<string, number>>;
  readonly AuthProtocols: Readonly<Record<string, number>>;
  readonly PrivProtocols: Readonly<Record<string, number>>;
}

export const netSnmp = createRequire(import.meta.url)('net-snmp') as Sender;

/** How a trap is sent: with a community, or as a user of version 3. */
export type By = { readonly version: 0 | 1; readonly community: string } | { readonly user: object };

/** A session to a port of 127.0.0.1 that ends with the test. */
export function session(context: TestContext, port: number, by: By): Session {
  const options = { trapPort: port, port, retries: 11, timeout: 10_000 };
  const one =
    'user' in by
      ? netSnmp.createV3Session('127.0.0.1', by.user, { ...options, engineID: '8000b98380deadbeefdeadbeef' })
      : netSnmp.createSession('127.0.0.1', by.community, { ...options, version: by.version });
  context.after(() => one.close());
  return one;
}

/** Sends a trap, or an inform; rejects if it could not be sent, or the inform is not acknowledged. */
export const send = (
  one: Session,
  type: number | string,
  varbinds: readonly object[] = [],
  kind: 'trap' | 'inform' = 'trap',
): Promise<void> =>
  new Promise((resolve, reject) => {
    one[kind](type, varbinds, {}, (cause) => (cause ? reject(cause) : resolve()));
  });
