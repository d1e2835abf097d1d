/** Invalid text, with all of its problems: one line for each. */
export abstract class Problems extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
