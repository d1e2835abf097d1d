import { Problems } from '../base/problems.ts';

/** Configuration that can't be used; one line per problem, each with its position and what to do. */
export class ConfigError extends Problems {
  override readonly name = 'ConfigError';
}
