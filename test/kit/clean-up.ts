import type { TestContext } from 'node:test';

const stepsOf = new WeakMap<TestContext, (() => unknown)[]>();

/**
 * Runs `step` after the test. The steps of a test run one after another, the last first, so a process has ended before
 * the folder that it was started with is removed. Each runs even if others fail. `context.after` runs the first first,
 * and after a failure none of the others: processes would keep running, and the test file would never end.
 */
export function cleanUp(context: TestContext, step: () => unknown): void {
  const known = stepsOf.get(context);
  if (known !== undefined) {
    known.push(step);
    return;
  }
  const steps = [step];
  stepsOf.set(context, steps);
  context.after(async () => {
    const causes: unknown[] = [];
    for (const next of steps.toReversed()) {
      try {
        await next();
      } catch (cause) {
        causes.push(cause);
      }
    }
    if (causes.length > 0) throw new AggregateError(causes, `clean-up: ${causes.join('; ')}`);
  });
}
