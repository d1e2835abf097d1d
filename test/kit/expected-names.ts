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
/** A statement that compares. */
const COMPARES = /\bassert\.|\.test\(|[!=]==|[<>]=? ?\d/;
/** The name of a series in a literal or a regular expression, alone, with labels or with a value. */
const NAMED = /['"`/^]([a-z]\w*_\w+)(?=\\?\{|['"` (])/g;

/** The names of the families for which the source of a test has an expected value. */
export function expectedNames(source: string): string[] {
  const named = source
    .split(/(?<=[;{}])\n/)
    .flatMap((code) => [...code.matchAll(PAIR), ...(COMPARES.test(code) ? code.matchAll(NAMED) : [])]);
  return [...sampleNames(textsOf(source)), ...named.map(([, name = '']) => name)];
}
