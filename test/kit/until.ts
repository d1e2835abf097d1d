/** Waits until `condition` is true; rejects after `milliseconds` with the text of `explain`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  explain: () => string = () => '',
  milliseconds = 60_000,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms; ${explain()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
