import { type TestContext, test } from 'node:test';
import { serverAvailable } from '../kit/servers.ts';

/** A test that needs `helm`; skipped, or failed in CI, if it is not on PATH. */
export function helmTest(name: string, run: (context: TestContext) => void | Promise<void>): void {
  void test(name, async (context) => {
    if (serverAvailable(context, 'helm')) await run(context);
  });
}
