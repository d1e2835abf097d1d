import type { CheckResult, CheckWorld } from '../exporter-type.ts';
import { Sender } from './sender.ts';
import type { HttpSettings } from './settings.ts';

/** How long an address that is checked may take to respond. */
export const CHECK_MS = 10_000;

/** Calls `check` for all addresses of an exporter at once, with a sender that is closed afterwards. */
export async function checkAddresses(
  settings: HttpSettings,
  { env, now }: CheckWorld,
  check: (url: string, sender: Sender) => Promise<CheckResult>,
): Promise<CheckResult[]> {
  const sender = new Sender(settings, now, env);
  try {
    return await Promise.all([settings.url, ...settings.failover].map((url) => check(url, sender)));
  } finally {
    sender.close();
  }
}
