/** Text that cannot be used, with all that is wrong with it: one line for each problem. */
export abstract class Problems extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
