import { readFileSync } from 'node:fs';
import { parseLine, TextFormatError } from '../../src/metrics/text/parse.ts';

/** The names of the samples in `lines`; other lines, such as comments and most strings of a test, have none. */
export function sampleNames(lines: Iterable<string>): string[] {
  return [...lines].flatMap((line) => {
    try {
      const parsed = /^[a-z]/i.test(line) ? parseLine(line) : undefined;
      return parsed?.kind === 'sample' ? [parsed.name] : [];
    } catch (cause) {
      if (cause instanceof TextFormatError) return [];
      throw cause;
    }
  });
}

/** The names of the samples in a file of the exposition format. */
export const namesInFile = (path: string): string[] => sampleNames(readFileSync(path, 'latin1').split('\n'));

/** String literals of a source file, by line, with interpolated values replaced. */
export function* textsOf(source: string): Generator<string> {
  for (const [, , text = ''] of source.matchAll(/(['`])((?:(?!\1)[^\\\n]|\\.)*)\1/g)) {
    const whole = text.replaceAll(/(?<=[{,])\$\{\w+\}(?=[,}])/g, 'put_in="x"').replaceAll(/\$\{[^}]*\}/g, '0');
    yield* whole.replaceAll(/\\u[0-9A-F]{4}/g, '?').split(/\\n|\n/);
  }
}

/** A series and the value that it must have: `['name{…}', 5]`, `'name{…}': 5`, `get('name{…}'), 5`. */
const PAIR = /['`]([a-z]\w*)(?:\{[^'`]*\})?['`](?:\]|\))*[,:] -?[\d_]/g;
/** What is no value: absence, presence, and a function that gets the samples. */
const NO_VALUE = String.raw`(?!undefined\b|null\b|false\b|true\b|\[\]|\(\w*\) =>|\w+ =>)`;
/** A call with the name of a series, perhaps with labels and other texts, whose result is compared with a value. */
const COMPARED = new RegExp(
  String.raw`['"\`]([a-z]\w*_\w+)(?:\{[^'\`\n]*\})?['"\`](?:,\s*(?:'[^'\n]*'|\`[^\`\n]*\`)(?=[,)]))*[^;,<>=!)]*\)[^;,<>=!]*(?:===|[<>]=?|,)\s*${NO_VALUE}[^\s'"\`)\]}]`,
  'g',
);
/** A sample line in a regular expression, with a value. */
const MATCHED = /\/\^?([a-z]\w*_\w+)(?:\\\{(?:[^/\n]|\\\/)*?\\\})? [\d[(\\-]/g;

/** The names of the families for which the source of a test has an expected value. */
export function expectedNames(source: string): string[] {
  const named = source
    .split(/(?<=[;{}])\n/)
    .flatMap((code) => [
      ...code.matchAll(PAIR),
      ...code.matchAll(COMPARED),
      ...(code.includes('doesNotMatch') ? [] : code.matchAll(MATCHED)),
    ]);
  return [...sampleNames(textsOf(source)), ...named.map(([, name = '']) => name)];
}
