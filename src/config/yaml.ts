import { isNode, LineCounter, parseDocument } from 'yaml';
import { errorText } from '../base/error-text.ts';
import { Problems } from '../base/problems.ts';

/** Text that is not usable YAML; one line per problem, each with its position. */
export class YamlError extends Problems {
  override readonly name = 'YamlError';
}

/** The value of a document, and the position of the value at a path of keys, as far as the path exists. */
export interface YamlValue {
  readonly value: unknown;
  readonly placeOf: (path: readonly PropertyKey[]) => string | undefined;
}

/** No configuration is nested this deep; code may walk through it recursively. */
const MAX_DEPTH = 64;

/** For a wrong file, the first line is usually enough. */
const MAX_PROBLEMS = 10;

/**
 * Parses one document. Throws {@link YamlError} for invalid YAML, and for constructs whose value is not obvious from
 * the text: multiplying aliases, endless nesting, tags of other programs. Positions begin with `name`.
 */
export function parseYaml(name: string, text: string): YamlValue {
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    // An unknown tag is only a warning of the library, and its value would be treated as text.
    const problems = [...document.errors, ...document.warnings].slice(0, MAX_PROBLEMS);
    if (problems.length > 0)
      throw new YamlError(problems.map(({ pos, message }) => `${place(pos[0])}: ${inWords(message)}`));
    const value: unknown = document.toJS();
    if (isDeeper(value, MAX_DEPTH)) throw new YamlError([`${name}:1:1: nested deeper than ${MAX_DEPTH} levels`]);
    return {
      value,
      placeOf(path) {
        for (let length = path.length; length > 0; length--) {
          const node: unknown = document.getIn(path.slice(0, length), true);
          if (isNode(node) && node.range) return place(node.range[0]);
        }
        return undefined;
      },
    };
  } catch (cause) {
    if (cause instanceof YamlError) throw cause;
    throw new YamlError([`${name}:1:1: ${inWords(errorText(cause))}`]);
  }
}

/** The parser walks recursively, and reports a stack overflow as an error of the document. */
const inWords = (message: string): string => (message.includes('call stack') ? 'nested too deep' : message);

/** Also for values that contain themselves. */
const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)));
